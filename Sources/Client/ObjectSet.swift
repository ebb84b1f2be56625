public import APIMachinery
import Support

/// A live, complete view of some objects of one resource. Every method is cheap and never suspends.
public protocol ObjectSet: Sendable {
    /// The present version, or `nil`.
    func get(_ name: ObjectName) -> StoredObject?

    /// The present objects in order of namespace and name; of all namespaces when `namespace` is `nil`.
    func list(namespace: String?) -> [StoredObject]

    /// The present objects that have the owner with this uid, in order of namespace and name.
    func owned(by uid: String) -> [StoredObject]

    /// Calls `sink` for each present object as an addition, then for each change, in order and never concurrently.
    ///
    /// The sink runs where the change is made known: it must return at once (put a key into a ``WorkQueue``, set a flag)
    /// and must not call the set or the API.
    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation
}

extension ObjectSet {
    /// The object, as soon as there is one; `nil` when there is none by then.
    public func awaited(
        _ name: ObjectName, atMost limit: Duration, clock: any Clock<Duration> = ContinuousClock()
    ) async -> StoredObject? {
        let bell = Bell()
        let observation = observe { if $0.new != nil, $0.name == name { bell.ring() } }
        defer { observation.cancel() }
        await bell.wait(atMost: limit, clock: clock)
        return get(name)
    }
}

/// A change of one object. Both versions are given for an update.
public struct ObjectChange: Sendable {
    public var old: StoredObject?
    public var new: StoredObject?

    public init(old: StoredObject?, new: StoredObject?) {
        precondition(old != nil || new != nil, "a change has at least one side")
        self.old = old
        self.new = new
    }

    public var name: ObjectName { (new ?? old)?.objectName ?? ObjectName(name: "") }
}

/// A running observation.
public protocol Observation: Sendable {
    /// After this returns the sink is not called again.
    func cancel()
}

/// Which objects an observation holds.
public struct ObservationScope: Hashable, Sendable {
    /// `nil` for all namespaces.
    public var namespace: String?
    public var labelSelector = ""
    public var fieldSelector = ""

    public static let all = ObservationScope()

    public init(namespace: String? = nil, labelSelector: String = "", fieldSelector: String = "") {
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }
}
