/// Reads a sorted base with newer or older versions laid over it.
///
/// This is how a state is read that is not stored as such: the base is what is stored, the overlay holds what
/// differs from it, with `nil` for a key that is absent in the wanted state.
struct OverlaidScan<Value: Sendable, Failure: Error> {
    private let base: () throws(Failure) -> OrderedMap<Value>.Element?
    private var overlay: OrderedMap<Value?>.Iterator
    private var nextBase: OrderedMap<Value>.Element?
    private var nextOverlay: OrderedMap<Value?>.Element?

    /// Both must begin at the same key; `base` gives its pairs in order and then `nil`.
    init(
        overlay: OrderedMap<Value?>.Iterator, base: @escaping () throws(Failure) -> OrderedMap<Value>.Element?
    ) throws(Failure) {
        self.base = base
        self.overlay = overlay
        nextBase = try base()
        nextOverlay = self.overlay.next()
    }

    /// The next pair of the wanted state, in order of the keys.
    mutating func next() throws(Failure) -> OrderedMap<Value>.Element? {
        while let over = nextOverlay {
            let order = nextBase.map { KeyOrder.compare($0.key, over.key) } ?? 1
            if order < 0 { break }
            if order == 0 { nextBase = try base() }
            nextOverlay = overlay.next()
            if let value = over.value { return (over.key, value) }
        }
        guard let element = nextBase else { return nil }
        nextBase = try base()
        return element
    }
}
