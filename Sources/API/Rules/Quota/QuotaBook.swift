public import APIMachinery
public import Support

/// What the objects of a cluster use of its quotas, kept up to date change by change.
///
/// Only measured objects (``QuotaNames/measured``) are booked here: the others are merely counted, which needs no book.
/// Pure. Changes of one resource must come in order; a change that a listing had shown already is no harm, so that
/// listing and following need no common lock.
public struct QuotaBook: Sendable {
    /// A quota and what is used of it.
    public struct Account: Sendable {
        public let rules: QuotaRules
        /// Of each limited name that measured objects use up.
        public fileprivate(set) var used: QuotaUsage.Amounts

        init(_ rules: QuotaRules) {
            self.rules = rules
            let measured = QuotaNames.measured.flatMap { rules.names(for: $0) }
            used = Dictionary(measured.map { ($0, .zero) }) { first, _ in first }
        }
    }

    private var spaces: [String: Space] = [:]

    public init() {}

    /// The accounts of a namespace in the order of their names; empty where there is no quota.
    public func accounts(in namespace: String) -> [Account] {
        guard let space = spaces[namespace] else { return [] }
        return space.accounts.values.sorted { $0.rules.name < $1.rules.name }
    }

    public func account(of quota: ObjectName) -> Account? { spaces[quota.namespace]?.accounts[quota.name] }

    public func hasQuotas(in namespace: String) -> Bool { spaces[namespace] != nil }

    /// When the first pod of a namespace ceases to count.
    public func nextEnd(in namespace: String) -> Timestamp? {
        spaces[namespace]?.nextEnd
    }

    // MARK: Quotas

    /// A quota is there, has changed, or is gone (`nil`). `present` lists the objects of a resource in its namespace.
    public mutating func set(
        _ rules: QuotaRules?, for quota: ObjectName, present: (GroupVersionResource) -> [StoredObject]
    ) {
        var space = spaces[quota.namespace] ?? Space()
        guard space.accounts[quota.name]?.rules != rules else { return }
        space.accounts[quota.name] = rules.map(Account.init)
        guard !space.accounts.isEmpty else {
            spaces[quota.namespace] = nil
            return
        }
        // All anew: what was booked before lacks this quota's share.
        spaces[quota.namespace] = Space(accounts: space.accounts.mapValues { Account($0.rules) })
        for resource in QuotaNames.measured {
            for object in present(resource) { apply(resource, old: nil, new: object) }
        }
    }

    // MARK: Objects

    /// Books a change of an object.
    public mutating func apply(_ resource: GroupVersionResource, old: StoredObject?, new: StoredObject?) {
        guard let object = new ?? old, hasQuotas(in: object.namespace) else { return }
        spaces[object.namespace, default: Space()].apply(resource, object.name, old: old, new: new)
    }

    /// Time has passed: pods that should be gone are counted no more.
    public mutating func expire(in namespace: String, at now: Timestamp) {
        guard let due = nextEnd(in: namespace), due <= now else { return }
        spaces[namespace, default: Space()].expire(at: now)
    }
}

/// The quotas of one namespace and what is booked on them.
private struct Space: Sendable {
    var accounts: [String: QuotaBook.Account] = [:]
    /// The version of each object that is booked.
    private var booked: [GroupVersionResource: [String: Int64]] = [:]
    private var leaving: [String: Leaving] = [:]

    /// A pod that should be gone by then, and is not counted after that: its node may never say that it ended it.
    private struct Leaving {
        var end: Timestamp
        /// By the name of the quota.
        var usage: [String: QuotaUsage.Amounts]
        var isOver = false
    }

    init(accounts: [String: QuotaBook.Account] = [:]) { self.accounts = accounts }

    var nextEnd: Timestamp? { leaving.values.filter { !$0.isOver }.map(\.end).min() }

    mutating func apply(_ resource: GroupVersionResource, _ name: String, old: StoredObject?, new: StoredObject?) {
        let version = booked[resource]?[name]
        if let new {
            guard (version ?? 0) < new.revision, old == nil || version == old?.revision else { return }
            if let old { remove(resource, old) }
            add(resource, new)
            booked[resource, default: [:]][name] = new.revision
        } else if let old, version == old.revision {
            remove(resource, old)
            booked[resource]?[name] = nil
        }
    }

    mutating func expire(at now: Timestamp) {
        for (uid, pod) in leaving where !pod.isOver && pod.end <= now {
            leaving[uid]?.isOver = true
            for (name, usage) in pod.usage { accounts[name]?.used.subtract(usage) }
        }
    }

    private mutating func add(_ resource: GroupVersionResource, _ object: StoredObject) {
        let value = object.value
        let usage = usage(of: value, resource)
        for (name, amounts) in usage { accounts[name]?.used.add(amounts) }
        if resource == .pods, let end = Self.end(of: value) { leaving[object.uid] = Leaving(end: end, usage: usage) }
    }

    private mutating func remove(_ resource: GroupVersionResource, _ object: StoredObject) {
        guard leaving.removeValue(forKey: object.uid)?.isOver != true else { return }
        for (name, amounts) in usage(of: object.value, resource) { accounts[name]?.used.subtract(amounts) }
    }

    private func usage(of object: Value, _ resource: GroupVersionResource) -> [String: QuotaUsage.Amounts] {
        accounts.mapValues { $0.rules.usage(of: object, resource) }
    }

    /// When a pod that is being deleted should be gone, with as much time again as it was given.
    private static func end(of pod: Value) -> Timestamp? {
        guard let text = pod.at("metadata", "deletionTimestamp")?.string, let deletion = Timestamp(text),
            let grace = pod.at("metadata", "deletionGracePeriodSeconds")?.integer
        else { return nil }
        return deletion + .seconds(grace)
    }
}
