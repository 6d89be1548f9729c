// A picture from a computer's camera. A phone has an application of its own for that, and is asked
// for it by the file field.

import { freshId, make } from '../dom.js';
import { say } from '../words.js';

const WANTED = { video: { facingMode: 'environment', width: { ideal: 1280 } } };
const QUALITY = 0.92;

/** Whether the browser lets this page ask for a camera: on secure pages only. */
export function hasCamera() {
  return navigator.mediaDevices?.getUserMedia !== undefined;
}

/**
 * Shows what the camera sees until a picture is taken.
 * @returns {Promise<File|null>} null where the reader goes back, or there is nothing to be seen
 */
export function takePicture() {
  return new Promise((done) => new Viewfinder(done).open());
}

class Viewfinder {
  constructor(done) {
    this.done = done;
    this.taken = null;
    this.stream = null;
    const titleId = freshId('camera');
    this.told = make('p', { role: 'status' });
    this.video = make('video', { autoplay: true, muted: true, playsinline: true, hidden: true, 'aria-label': say('cameraSees') });
    this.shoot = make('button.primary.shoot', { type: 'button', hidden: true, on: { click: () => this.take() } }, say('shoot'));
    this.dialog = make('dialog.dialog.viewfinder', { 'aria-labelledby': titleId, on: { close: () => this.close() } },
      make('h2', { id: titleId }, say('camera')), this.told, this.video,
      make('div.actions', {}, make('button', { type: 'button', on: { click: () => this.dialog.close() } }, say('cancel')), this.shoot));
  }

  async open() {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.told.textContent = say('cameraAsked');
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(WANTED);
      if (!this.dialog.open) return void this.letGo(); // the reader went back before it was there
      this.video.srcObject = this.stream;
      await this.video.play();
      this.told.textContent = '';
      this.video.hidden = this.shoot.hidden = false;
      this.shoot.focus();
    } catch (error) {
      this.letGo();
      this.told.textContent = say(error.name === 'NotAllowedError' ? 'cameraRefused' : 'cameraMissing');
    }
  }

  take() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    canvas.getContext('2d').drawImage(this.video, 0, 0);
    canvas.toBlob((blob) => {
      this.taken = blob && new File([blob], 'camera.jpg', { type: blob.type });
      this.dialog.close();
    }, 'image/jpeg', QUALITY);
  }

  close() {
    this.letGo();
    this.dialog.remove();
    this.done(this.taken);
  }

  /** Its light goes out. */
  letGo() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }
}
