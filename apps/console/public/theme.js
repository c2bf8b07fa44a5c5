// Sets the chosen theme before the first paint, so that nothing flashes. A file of its own, for the plane allows no inline scripts.
try {
  const theme = localStorage.getItem("heddle.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme stands.
}
