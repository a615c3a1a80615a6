import "@fontsource-variable/inter/index.css";
import "./design/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Console } from "./app/Console.js";
import { applyTheme, storedTheme } from "./app/theme.js";

applyTheme(storedTheme());
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <Console />
  </StrictMode>,
);
