// Runs before anything is painted, so that a chosen theme shows from the first frame on.
// No module: those run only once the document has been read.
try {
  const theme = localStorage.getItem('mitame.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
