/**
 * A list whose items are their own links: adding and removing cost two assignments and no memory.
 * An item is in one chain at a time.
 */
export interface Link<T> {
  /** Kept by the chain. */
  previous: T | null;
  /** Kept by the chain. */
  next: T | null;
}

export class Chain<T extends Link<T>> {
  first: T | null = null;
  private last: T | null = null;

  /** Put an item that is in no chain at the end. */
  add(item: T): void {
    item.previous = this.last;
    if (this.last === null) this.first = item;
    else this.last.next = item;
    this.last = item;
  }

  /** Safe when it is in no chain. */
  remove(item: T): void {
    const { previous, next } = item;
    if (previous !== null) previous.next = next;
    else if (this.first === item) this.first = next;
    else return;
    if (next !== null) next.previous = previous;
    else this.last = previous;
    item.previous = null;
    item.next = null;
  }

  /** First to last, as a copy: items may be added and removed while it is walked. */
  items(): T[] {
    const items: T[] = [];
    for (let item = this.first; item !== null; item = item.next) items.push(item);
    return items;
  }
}
