import APIMachinery

/// Which objects a list or watch is about.
struct ObjectFilter: Sendable {
    /// `nil` for all namespaces.
    var namespace: String?
    var name: String?
    /// What is known of an object without a look into it, such as its labels; `nil` when every object
    /// matches.
    var matches: (@Sendable (StoredObject) -> Bool)?
    /// What fields inside of an object must be.
    var fields: [Term] = []
    /// What is asked of objects as their clients see them, when the log has them in another form; `nil` for nothing. Who
    /// shows them asks: ``includes(_:)`` does not.
    var matchesShown: (@Sendable (StoredObject) -> Bool)?

    /// A field of an object and the text that it must have, or must not.
    struct Term: Sendable {
        /// As selectors name it, which says all about ``read`` for one resource.
        var field: String
        var value: String
        var isNegated: Bool
        var read: @Sendable (StoredObject) -> String

        func holds(of object: StoredObject) -> Bool { (read(object) == value) != isNegated }
    }

    /// What one field of every included object must be, if there is such a field.
    var place: WatcherTable.Place? {
        if let name {
            return WatcherTable.Place(field: "metadata.name", text: name) { change, side in
                (side == .old ? change.old : change.new)?.name
            }
        }
        guard let term = fields.first(where: { !$0.isNegated }) else { return nil }
        return WatcherTable.Place(field: term.field, text: term.value) { change, side in
            guard let object = side == .old ? change.old : change.new else { return nil }
            return change.share?.text(of: term.field, side) { term.read(object) } ?? term.read(object)
        }
    }

    /// Whether every object of the namespace is included.
    var takesAll: Bool { name == nil && matches == nil && fields.isEmpty }

    func includes(_ object: StoredObject) -> Bool { includes(object) { term in term.read(object) } }

    private func includes(_ object: StoredObject, _ text: (Term) -> String) -> Bool {
        if let namespace, object.namespace != namespace { return false }
        if let name, object.name != name { return false }
        if let matches, !matches(object) { return false }
        return fields.allSatisfy { (text($0) == $0.value) != $0.isNegated }
    }

    /// The sides of a change that are included. Those who are told of it at once read each field once between
    /// them.
    func sides(of change: CacheChange) -> (old: StoredObject?, new: StoredObject?) {
        (side(change.old, .old, change), side(change.new, .new, change))
    }

    private func side(
        _ object: StoredObject?, _ side: ChangeShare.Side, _ change: CacheChange
    ) -> StoredObject? {
        guard let object else { return nil }
        let isIncluded = includes(object) { term in
            change.share?.text(of: term.field, side) { term.read(object) } ?? term.read(object)
        }
        return isIncluded ? object : nil
    }

    /// What a change means to those who see only matching objects: one that begins to match is added, one
    /// that ceases to match is deleted (API conventions, "Watch").
    func event(for change: CacheChange) -> SelectedEvent? {
        switch sides(of: change) {
        case (nil, nil): return nil
        case (nil, let new?): return SelectedEvent(.added, new, change)
        case (let old?, let new?):
            return SelectedEvent(.modified, new, change, before: matchesShown == nil ? nil : old)
        case (let old?, nil): return SelectedEvent(.deleted, old, change)
        }
    }
}
