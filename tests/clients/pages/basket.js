// What the shop's pages share: a mistake three calls deep.
export function priceOf(item) {
  return item.price.amount;
}

export function totalOf(items) {
  return items.reduce((sum, item) => sum + priceOf(item), 0);
}

export function checkOut(basket) {
  return totalOf(basket.items);
}
