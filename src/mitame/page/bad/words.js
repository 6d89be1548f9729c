// What this view says.

const en = {
  badLead: 'Files that could not be read as pictures when their folder was looked at last. Mend or remove a file, and it leaves this list.',
  badCount: (count) => (count === 1 ? '1 file' : `${count.toLocaleString('en')} files`),
  badSince: (time) => `since ${time}`,
  moreFiles: 'More files',
  noBadFiles: 'All files that were looked at could be read.',
};

const ja = {
  badLead: 'フォルダーを最後に調べたとき、画像として読めなかったファイルです。直すか削除すると、この一覧から消えます。',
  badCount: (count) => `${count.toLocaleString('ja')}個のファイル`,
  badSince: (time) => `${time} から`,
  moreFiles: 'さらに表示',
  noBadFiles: '調べたファイルはすべて読めました。',
};

/** By language. */
export const WORDS = { en, ja };
