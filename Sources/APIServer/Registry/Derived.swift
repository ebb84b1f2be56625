import Synchronization

/// Something that is made of all served kinds: made when it is asked for, and anew after the kinds have changed.
///
/// So a hundred new definitions in a row cost one new discovery document, and none when nobody asks.
final class Derived<Content: Sendable>: Sendable {
    private let registry: Registry
    private let make: @Sendable (Registry.Kinds) -> Content
    private let kept: Mutex<(kinds: Registry.Kinds, content: Content)?>

    init(_ registry: Registry, _ make: @escaping @Sendable (Registry.Kinds) -> Content) {
        self.registry = registry
        self.make = make
        kept = Mutex(nil)
    }

    /// As of the kinds that are served now.
    var content: Content {
        kept.withLock { kept in
            let kinds = registry.present
            if let kept, kept.kinds === kinds { return kept.content }
            let content = make(kinds)
            kept = (kinds, content)
            return content
        }
    }
}
