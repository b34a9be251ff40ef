/** International numbers, and national ones as they are written in North America and where numbers begin with 0. */
export const PHONE = [
  String.raw`\+[1-9](?:[ .\-\/()]{0,2}\d){7,14}\b`,
  String.raw`\b00[1-9](?:[ .\-\/()]{0,2}\d){7,14}\b`,
  String.raw`(?:\b1[ .\-]?)?(?:\(\d{3}\) ?|\b\d{3}[ .\-])\d{3}[ .\-]\d{4}\b`,
  String.raw`\b0[1-9]\d{1,3}[ \-\/]?\d{3,4}[ \-]?\d{3,4}\b`,
  String.raw`\b0[1-9](?:[ .\-]\d{2}){4}\b`,
].join("|");

/** Social security numbers of the United States, written in groups; areas, groups and serials that are not issued are none. */
export const US_SSN =
  String.raw`\b(?:00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])[\- ](?:0[1-9]|[1-9]\d)[\- ]` +
  String.raw`(?:\d{3}[1-9]|\d\d[1-9]0|\d[1-9]00|[1-9]000)\b`;
