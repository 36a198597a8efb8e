// Reads pairing codes from QRs with the camera, if this browser can: it needs BarcodeDetector, and HTTPS or loopback.

/** How often a picture is searched, in milliseconds: often enough to feel immediate, seldom enough for a slow tablet. */
const SEARCH_EVERY_MS = 250;
/** The camera switches itself off after this many milliseconds: nobody is holding a code any more. */
const SEARCH_MAX_MS = 120_000;

/** Whether this browser reads QRs with a camera. */
export async function canScan() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return false;
  try {
    return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
  } catch {
    return false;
  }
}

/** The eight digits in the text of a QR: the digits alone, or the address of this page. `null`: it is no pairing code. */
export function codeIn(text) {
  if (/^[0-9]{8}$/.test(text)) return text;
  if (!URL.canParse?.(text)) return null;
  // Only the digits are used; the address itself is never opened.
  const code = new URL(text).searchParams.get("code") ?? "";
  return /^[0-9]{8}$/.test(code) ? code : null;
}

/**
 * Shows the camera in `video` until a code is found. `onCode` gets the digits, `onForeign` is called for another QR.
 * Returns the function that ends it; `onEnd` is called once, however it ended. Throws if the camera cannot be used.
 */
export async function scan(video, { onCode, onForeign, onEnd }) {
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  let isOver = false;
  const stop = () => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
    onEnd();
  };
  const endsAt = Date.now() + SEARCH_MAX_MS;
  const search = async () => {
    if (isOver) return;
    if (Date.now() > endsAt) return stop();
    const found = await detector.detect(video).catch(() => []);
    if (isOver) return;
    const code = found.map((barcode) => codeIn(barcode.rawValue)).find(Boolean);
    if (code) {
      stop();
      return onCode(code);
    }
    if (found.length > 0) onForeign();
    timer = setTimeout(search, SEARCH_EVERY_MS);
  };
  let timer = setTimeout(search, SEARCH_EVERY_MS);
  video.srcObject = stream;
  video.hidden = false;
  await video.play().catch(() => {});
  return stop;
}
