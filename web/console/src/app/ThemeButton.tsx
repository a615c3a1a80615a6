import { Icon } from "../components/Icon.js";
import { useTheme, type Theme } from "./theme.js";

const NEXT = { system: "light", light: "dark", dark: "system" } as const satisfies Record<Theme, Theme>;
const NAMES = { system: "As the system", light: "Light", dark: "Dark" } as const satisfies Record<Theme, string>;

/** Goes round the three themes. */
export function ThemeButton() {
  const [theme, setTheme] = useTheme();
  return (
    <button
      type="button"
      className="button quiet"
      aria-label={`Colours: ${NAMES[theme]}. Change to: ${NAMES[NEXT[theme]]}`}
      onClick={() => setTheme(NEXT[theme])}
    >
      <Icon name={theme === "dark" ? "moon" : theme === "light" ? "sun" : "half"} />
      {NAMES[theme]}
    </button>
  );
}
