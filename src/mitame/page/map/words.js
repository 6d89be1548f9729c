// What this view says.

const en = {
  mapLead: 'Pictures that look alike lie together. Drag to move, scroll to come closer, follow a picture to see what looks like it.',
  mapKeys: 'Arrows move the map, plus and minus change how close it is, 0 shows all of it.',
  mapOf: (name) => `Map of ${name}`,
  closer: 'Closer',
  farther: 'Farther',
  wholeMap: 'Whole map',
  mapFacts: (count, total) => (count === total ? `${count.toLocaleString('en')} pictures` : `${count.toLocaleString('en')} of ${total.toLocaleString('en')} pictures`),
  principal: 'Laid out roughly: the next merge puts pictures beside their likes.',
  partMap: 'Some pictures are missing that have just come in.',
  categories: 'Categories',
  noCategory: 'none',
  emptyMap: 'There is nothing to show on a map yet.',
};

const ja = {
  mapLead: '似ている画像が近くに並びます。ドラッグで移動、スクロールで拡大、画像を選ぶと似たものを表示します。',
  mapKeys: '矢印キーで移動、プラスとマイナスで拡大と縮小、0で全体を表示します。',
  mapOf: (name) => `${name} のマップ`,
  closer: '拡大',
  farther: '縮小',
  wholeMap: '全体を表示',
  mapFacts: (count, total) => (count === total ? `${count.toLocaleString('ja')}枚の画像` : `${total.toLocaleString('ja')}枚のうち ${count.toLocaleString('ja')}枚の画像`),
  principal: 'おおよその配置です。次のマージで、似た画像が隣に並びます。',
  partMap: '届いたばかりの画像がまだ表示されていません。',
  categories: 'カテゴリー',
  noCategory: 'なし',
  emptyMap: 'マップに表示できるものがまだありません。',
};

/** By language. */
export const WORDS = { en, ja };
