-- What an Application shows in the Application that makes it, so that the next wave waits for it. It is as healthy as
-- its resources, but not before its first sync and not during one: Argo CD does not say so by itself.

local status = obj.status or {}
local sync = status.sync or {}
local health = status.health or {}
local operation = status.operationState or {}

if operation.phase == "Running" then
  return {status = "Progressing", message = operation.message or "a sync is running"}
end
if sync.status ~= "Synced" and operation.phase == nil then
  return {status = "Progressing", message = "it was never synced"}
end
return {status = health.status or "Progressing", message = health.message or ""}
