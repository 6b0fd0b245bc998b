// Light and dark: what the system prefers, until the reader says otherwise. Colours live in page.css alone.

export type Palette = (name: string) => string;

/** The colours that hold now, by the names that page.css gives them. */
export function palette(): Palette {
  const known = new Map<string, string>();
  const probe = document.createElement("span");
  return (name) => {
    const colour = known.get(name);
    if (colour !== undefined) return colour;
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    known.set(name, getComputedStyle(probe).color);
    probe.remove();
    return known.get(name)!;
  };
}

export function isDark(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function watchTheme(button: HTMLButtonElement, changed: () => void): void {
  const show = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    changed();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset["theme"] = isDark() ? "light" : "dark";
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  button.setAttribute("aria-pressed", String(isDark()));
}
