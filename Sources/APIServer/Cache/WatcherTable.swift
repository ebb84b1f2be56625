/// The watches of one resource, so that a change is looked at by those alone whom it may concern.
///
/// Hundreds of kubelets each watch the pods of one node, and the one config map of a name. A watch that asks for one text
/// in one field waits under that text: a change costs a look-up for each such field, however many watch.
struct WatcherTable: Sendable {
    /// What a watch asks of one field.
    struct Place: Sendable {
        /// As selectors name it, which says all about ``read`` for one resource.
        var field: String
        var text: String
        var read: @Sendable (CacheChange, ChangeShare.Side) -> String?
    }

    private struct Column {
        var read: @Sendable (CacheChange, ChangeShare.Side) -> String?
        var watchers: [String: [CacheWatcher]] = [:]
    }

    /// Those that may be about any object.
    private var open: [CacheWatcher] = []
    private var columns: [String: Column] = [:]
    private(set) var count = 0

    mutating func add(_ watcher: CacheWatcher) {
        count += 1
        if let place = watcher.place {
            columns[place.field, default: Column(read: place.read)].watchers[place.text, default: []].append(watcher)
        } else {
            open.append(watcher)
        }
    }

    mutating func remove(_ watcher: CacheWatcher) {
        guard let place = watcher.place else { return Self.remove(watcher, from: &open, &count) }
        guard var column = columns.removeValue(forKey: place.field) else { return }
        var same = column.watchers.removeValue(forKey: place.text) ?? []
        Self.remove(watcher, from: &same, &count)
        if !same.isEmpty { column.watchers[place.text] = same }
        if !column.watchers.isEmpty { columns[place.field] = column }
    }

    private static func remove(_ watcher: CacheWatcher, from watchers: inout [CacheWatcher], _ count: inout Int) {
        guard let index = watchers.firstIndex(where: { $0 === watcher }) else { return }
        watchers.remove(at: index)
        count -= 1
    }

    var all: [CacheWatcher] { open + columns.values.flatMap { $0.watchers.values.joined() } }

    /// Those whose field has their text on one of the sides; whether the change is about them in every other way too is
    /// theirs to say.
    func concerned(by change: CacheChange) -> [CacheWatcher] {
        var concerned = open
        for column in columns.values {
            let (old, new) = (column.read(change, .old), column.read(change, .new))
            if let old { concerned += column.watchers[old] ?? [] }
            if let new, new != old { concerned += column.watchers[new] ?? [] }
        }
        return concerned
    }
}
