// Light or dark: as the system says, unless the person chose.

import { useState } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "invoice-app theme";

export function storedTheme(): Theme {
  const stored = readStored();
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") {
    delete document.documentElement.dataset["theme"];
  } else {
    document.documentElement.dataset["theme"] = theme;
  }
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(storedTheme);
  const choose = (chosen: Theme) => {
    applyTheme(chosen);
    setTheme(chosen);
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // Forbidden by the browser's settings: the choice lasts as long as the page.
    }
  };
  return [theme, choose];
}

function readStored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
