// What this view says.

const en = {
  newCollection: 'New collection',
  newCollectionText: 'Letters, digits, and . _ - between them. It gets the lenses look and color.',
  name: 'Name',
  create: 'Create',
  makeOne: 'Make one to begin.',

  addPictures: 'Add pictures',
  dropPictures: 'Drop pictures or folders here',
  chooseFiles: 'Choose pictures',
  chooseFolder: 'Choose a folder',
  folderCategories: 'The folder’s name becomes the category',
  replaceItems: 'Replace items that are there already',
  files: 'Files',
  progress: 'Progress of all files',
  uploadOf: (id) => `Sending ${id}`,
  addingNow: (done, total, failed) => `${done} of ${total} added${failed ? `, ${failed} not` : ''}`,
  added: (done, total, failed) => (failed ? `${done} of ${total} added, ${failed} not. The reasons are below.` : `All ${total} added. They can be found from now on.`),
  fileUnreadable: 'The file can’t be read, or has changed since it was chosen. Choose it again.',
  stop: 'Stop',
  retryFailed: (count) => `Try ${count} again`,
  replaceThem: (count) => `Replace ${count} that are there already`,
  'upload-waiting': 'waiting',
  'upload-sending': 'sending',
  'upload-in': 'added',
  'upload-there': 'there already',
  'upload-refused': 'not added',
  'upload-stopped': 'stopped',
};

const ja = {
  newCollection: '新しいコレクション',
  newCollectionText: '英数字と、その間の . _ - が使えます。look と color のレンズが付きます。',
  name: '名前',
  create: '作成',
  makeOne: 'まず一つ作成してください。',

  addPictures: '画像を追加',
  dropPictures: '画像やフォルダーをここにドロップ',
  chooseFiles: '画像を選ぶ',
  chooseFolder: 'フォルダーを選ぶ',
  folderCategories: 'フォルダー名をカテゴリーにする',
  replaceItems: '既にあるアイテムを置き換える',
  files: 'ファイル',
  progress: '全体の進み具合',
  uploadOf: (id) => `${id} を送信中`,
  addingNow: (done, total, failed) => `${total}件中 ${done}件を追加${failed ? `、${failed}件は失敗` : ''}`,
  added: (done, total, failed) => (failed ? `${total}件中 ${done}件を追加、${failed}件は追加できませんでした。理由は下のとおりです。` : `${total}件すべてを追加しました。もう検索できます。`),
  fileUnreadable: 'ファイルを読み取れないか、選んだあとに変更されました。もう一度選んでください。',
  stop: '中止',
  retryFailed: (count) => `${count}件をもう一度試す`,
  replaceThem: (count) => `既にある${count}件を置き換える`,
  'upload-waiting': '待機中',
  'upload-sending': '送信中',
  'upload-in': '追加済み',
  'upload-there': '既にあります',
  'upload-refused': '追加できません',
  'upload-stopped': '中止',
};

/** By language. */
export const WORDS = { en, ja };
