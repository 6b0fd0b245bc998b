-- What Argo CD shows for a ServiceGraph; docs/gitops.md has it as a table. Argo CD runs this without Lua's string
-- library, and never for a graph that is being deleted.

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type or ""] = condition
end

local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local function reason(kind)
  return conditions[kind].reason or "no reason"
end

local function message(kind)
  return conditions[kind].message or "no message"
end

local function health(code, text)
  return {status = code, message = text}
end

-- The operator lists the worst problem first.
local function worst()
  return (status.problems or {})[1] or {}
end

local function told(problem)
  return (problem.code or "a problem") .. " at " .. (problem.path or ".spec") .. ": " .. (problem.message or "no message")
end

-- What holds, and then what is worth knowing about it.
local function summary()
  local parts = {message("Ready")}
  for _, kind in ipairs({"EdgesResolved", "Verified"}) do
    if conditions[kind] ~= nil and not is(kind, "True") then
      parts[#parts + 1] = message(kind)
    end
  end
  if worst().severity == "error" or worst().severity == "warning" then
    parts[#parts + 1] = told(worst())
  end
  return table.concat(parts, "; ")
end

if status.observedGeneration == nil then
  return health("Progressing", "no operator has looked at this graph yet: does one run, and serve this namespace?")
end
if status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "the operator has not looked at this version of the graph yet")
end
if is("Stalled", "True") then
  return health("Degraded", reason("Stalled") .. ": " .. message("Stalled"))
end
if conditions.Ready == nil then
  return health("Progressing", "the operator has not said yet whether the policies are in place")
end
if not is("Ready", "True") then
  return health("Progressing", reason("Ready") .. ": " .. message("Ready"))
end
if reason("Ready") == "Off" then
  return health("Suspended", message("Ready"))
end
if reason("Ready") == "DryRun" then
  return health("Healthy", "DryRun: " .. summary())
end
if is("Verified", "False") then
  return health("Degraded", reason("Verified") .. ": " .. message("Verified"))
end
if worst().severity == "error" then
  return health("Degraded", told(worst()))
end
return health("Healthy", summary())
