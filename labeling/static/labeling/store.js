// Where verdicts lie until the server has them: IndexedDB, else localStorage, else this page's memory and nothing more.
const NAME = "reviewapp";
const PARCELS = "parcels";
const PREFIX = "reviewapp.unsent.";

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

class Indexed {
  isKept = true;

  constructor(database) { this.database = database; }

  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(PARCELS, { keyPath: "id" });
    return new Indexed(await done(request));
  }

  #parcels(mode) { return this.database.transaction(PARCELS, mode).objectStore(PARCELS); }
  all() { return done(this.#parcels("readonly").getAll()); }
  put(parcel) { return done(this.#parcels("readwrite").put(parcel)); }
  remove(id) { return done(this.#parcels("readwrite").delete(id)); }
}

class Local {
  isKept = true;

  static async open() {
    localStorage.setItem(PREFIX, ""); // throws where nothing may be stored
    localStorage.removeItem(PREFIX);
    return new Local();
  }

  async all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    return keys.map((key) => JSON.parse(localStorage.getItem(key)));
  }

  async put(parcel) { localStorage.setItem(PREFIX + parcel.id, JSON.stringify(parcel)); }
  async remove(id) { localStorage.removeItem(PREFIX + id); }
}

class Memory {
  isKept = false;
  async all() { return []; }
  async put() {}
  async remove() {}
}

/** The best there is. A browser may offer a store and refuse to open it (private windows, a full disk). */
export async function openStore() {
  for (const kind of [Indexed, Local]) {
    try {
      const store = await kind.open();
      await store.all();
      return store;
    } catch (error) {
      console.warn(`${kind.name} does not keep verdicts here:`, error);
    }
  }
  return new Memory();
}
