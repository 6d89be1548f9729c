// What this view says.

const en = {
  whyTitle: 'Why are these alike?',
  whyLead: 'Bright parts of either picture are those that the other one has, too. Point at a part to see which one it is most like.',
  whyNothing: 'Two pictures are compared here. Follow “Why?” at an answer or at a group of duplicates.',
  byLens: 'By lens',
  distance: 'Distance',
  heatOf: 'Show',
  heatSimilarity: 'how alike each part is',
  heatShare: 'what each part brings to the score',
  heatNone: 'pictures alone',
  partTold: (row, column, value, otherRow, otherColumn) => `Row ${row}, column ${column}: ${value}, most like row ${otherRow}, column ${otherColumn} of the other picture`,
  partsOf: (id) => `Parts of ${id}: arrows go from part to part`,
  noParts: 'Which parts are alike can’t be told here:',
  rankTold: (rank, limit) => (rank === null ? `It is not among the first ${limit} neighbours.` : `It is number ${rank} of the neighbours.`),
  commonTitle: 'Alike to both',
  commonTold: (count, limit) => `${count.toLocaleString('en')} pictures are among the first ${limit.toLocaleString('en')} neighbours of both.`,
};

const ja = {
  whyTitle: 'どこが似ているか',
  whyLead: '明るい部分は、もう一方の画像にもある部分です。部分を指すと、最も似ている部分が示されます。',
  whyNothing: '2枚の画像を比べる画面です。検索結果や重複の「比べる」から開いてください。',
  byLens: 'レンズごと',
  distance: '距離',
  heatOf: '表示',
  heatSimilarity: '各部分の類似度',
  heatShare: '各部分のスコアへの寄与',
  heatNone: '画像のみ',
  partTold: (row, column, value, otherRow, otherColumn) => `${row}行${column}列：${value}、もう一方の${otherRow}行${otherColumn}列に最も似ています`,
  partsOf: (id) => `${id} の部分。矢印キーで移動します`,
  noParts: 'どの部分が似ているかは表示できません：',
  rankTold: (rank, limit) => (rank === null ? `近い順の${limit}件には入っていません。` : `近い順で${rank}番目です。`),
  commonTitle: '両方に似ているもの',
  commonTold: (count, limit) => `両方の近い順${limit.toLocaleString('ja')}件に共通する画像は${count.toLocaleString('ja')}件です。`,
};

/** By language. */
export const WORDS = { en, ja };
