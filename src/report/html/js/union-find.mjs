// Disjoint sets of anything that is a key of a Map.

export class UnionFind {
  #parent = new Map();

  /** The representative of the set that holds `x`. */
  find(x) {
    let root = x;
    while (this.#parent.has(root) && this.#parent.get(root) !== root) {
      const parent = this.#parent.get(root);
      // Path halving.
      if (this.#parent.has(parent)) this.#parent.set(root, this.#parent.get(parent));
      root = parent;
    }
    return root;
  }

  /** Joins the sets of `a` and `b`. */
  union(a, b) {
    this.#parent.set(this.find(a), this.find(b));
  }
}
