// What this view says.

const en = {
  duplicatesLead: 'Pictures that are nearly the same. Say whether they are: what is decided is kept.',
  duplicateGroups: (count) => (count === 1 ? '1 group' : `${count.toLocaleString('en')} groups`),
  shownGroups: 'Which groups',
  undecided: 'undecided',
  decided: 'decided',
  allGroups: 'all',
  isSame: 'Same',
  isDifferent: 'Different',
  decidedSame: 'Decided: same',
  decidedDifferent: 'Decided: different',
  undoDecision: 'Undo',
  sideBySide: 'Why?',
  groupOf: (count, first) => `${count} pictures: ${first} and others`,
  moreGroups: 'More groups',
  moreInGroup: (count) => `and ${count.toLocaleString('en')} more`,
  tooManyToDecide: 'More than a thousand pictures can’t be decided on at once.',
  noDuplicates: 'There is nothing here that looks nearly the same.',
  duplicateKeys: 'With the focus in a group, S means same and D different.',
};

const ja = {
  duplicatesLead: 'ほぼ同じ画像です。同じかどうかを決めると、その判断が保存されます。',
  duplicateGroups: (count) => `${count.toLocaleString('ja')}グループ`,
  shownGroups: '表示するグループ',
  undecided: '未判断',
  decided: '判断済み',
  allGroups: 'すべて',
  isSame: '同じ',
  isDifferent: '違う',
  decidedSame: '判断：同じ',
  decidedDifferent: '判断：違う',
  undoDecision: '取り消す',
  sideBySide: '比べる',
  groupOf: (count, first) => `${first} など ${count}枚の画像`,
  moreGroups: 'さらに表示',
  moreInGroup: (count) => `ほか ${count.toLocaleString('ja')}枚`,
  tooManyToDecide: '1000枚を超えるグループはまとめて判断できません。',
  noDuplicates: 'ほぼ同じ画像はありません。',
  duplicateKeys: 'グループにフォーカスがあるとき、S は「同じ」、D は「違う」です。',
};

/** By language. */
export const WORDS = { en, ja };
