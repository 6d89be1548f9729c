// What this view says.

const en = {
  browseLead: 'Everything there is, by category and by attribute.',
  allCategories: 'All categories',
  everything: 'Everything',
  withoutCategory: 'Without a category',
  moreCategories: 'More categories',
  morePictures: 'More pictures',
  browseNothing: 'There is nothing here yet.',
  passing: 'What passes',
};

const ja = {
  browseLead: 'すべての画像を、カテゴリーや属性から見られます。',
  allCategories: 'すべてのカテゴリー',
  everything: 'すべて',
  withoutCategory: 'カテゴリーなし',
  moreCategories: 'カテゴリーをさらに表示',
  morePictures: '画像をさらに表示',
  browseNothing: 'まだ何もありません。',
  passing: '条件に合う画像',
};

/** By language. */
export const WORDS = { en, ja };
