import API
import APIMachinery
import Client
import Support
import Synchronization

/// The quotas of all namespaces as admission sees them: what is used, and what is on its way into the log.
///
/// Kubernetes keeps this in the status of each quota, and writes it with each object. Here the cluster is in memory: the
/// ledger follows the objects themselves, so that nothing is written for it, and a deleted pod makes room at once.
/// A write that is admitted is noted as pending until it is over; with it counted, writers at the same time never exceed
/// a quota together.
final class QuotaLedger: Sendable {
    /// A write that is to be judged.
    struct Charge {
        /// Whose it is, until ``settle(_:)``.
        var key: ObjectIdentifier
        var resource: GroupVersionResource
        var name: ObjectName
        /// What is there now; `nil` for a creation.
        var old: Value?
        var new: Value
    }

    /// A write between its admission and its end.
    private struct Pending {
        var resource: GroupVersionResource
        var name: ObjectName
        var uid: String
        /// What the object will use, by the name of the quota.
        var wanted: [String: QuotaUsage.Amounts]
        /// What of it the book has: the use of the version that is there.
        var booked: [String: QuotaUsage.Amounts]
    }

    private struct State {
        var book = QuotaBook()
        /// The extended resources that classes of devices stand for.
        var extended: [String: String] = [:]
        /// By namespace.
        var pending: [String: [ObjectIdentifier: Pending]] = [:]
    }

    private let state = Mutex(State())
    private let cache: @Sendable (GroupVersionResource) -> ResourceCache?

    /// Begins to follow the quotas and all that they measure. `cache` gives the objects of any stored resource.
    init(_ cache: @escaping @Sendable (GroupVersionResource) -> ResourceCache?) {
        self.cache = cache
        // Weak: the caches would otherwise keep the ledger, which keeps them.
        for resource in QuotaNames.measured {
            cache(resource)?.add(CacheObserver(filter: ObjectFilter()) { [weak self] in self?.take($0, of: resource) })
        }
        cache(.resourceQuotas)?.add(CacheObserver(filter: ObjectFilter()) { [weak self] in self?.takeQuota($0) })
        cache(.deviceClasses)?.add(CacheObserver(filter: ObjectFilter()) { [weak self] in self?.takeClass($0) })
    }

    // MARK: Following

    private func takeQuota(_ change: ObjectChange) {
        state.withLock { set(change.new?.value, change.name, in: &$0) }
    }

    private func set(_ quota: Value?, _ name: ObjectName, in state: inout State) {
        let extended = state.extended
        state.book.set(quota.map { QuotaRules($0, extended: extended) }, for: name) { resource in
            Array(cache(resource)?.list(namespace: name.namespace) ?? [])
        }
    }

    /// What devices count as has changed, if a class stands for another resource than before.
    private func takeClass(_ change: ObjectChange) {
        let resource = change.new?.value.at("spec", "extendedResourceName")?.string
        state.withLock { state in
            guard state.extended[change.name.name] != resource else { return }
            state.extended[change.name.name] = resource
            for quota in cache(.resourceQuotas)?.list(namespace: nil) ?? [] { set(quota.value, quota.objectName, in: &state) }
        }
    }

    private func take(_ change: ObjectChange, of resource: GroupVersionResource) {
        let name = change.name
        state.withLock { state in
            guard state.book.hasQuotas(in: name.namespace) else { return }
            state.book.apply(resource, old: change.old, new: change.new)
            for (key, pending) in state.pending[name.namespace] ?? [:]
            where pending.resource == resource && pending.name == name {
                let present = change.new?.value
                let booked = state.book.accounts(in: name.namespace).map { account in
                    (account.rules.name, present.map { account.rules.usage(of: $0, resource) } ?? [:])
                }
                state.pending[name.namespace]?[key]?.booked = Dictionary(uniqueKeysWithValues: booked)
            }
        }
    }

    // MARK: Judging

    /// The quotas of a namespace.
    func rules(in namespace: String) -> [QuotaRules] {
        state.withLock { $0.book.accounts(in: namespace).map(\.rules) }
    }

    /// Notes a write down if all quotas allow it, and refuses it otherwise. A dry run is judged and not noted.
    func reserve(_ charge: Charge, isDryRun: Bool, at now: Timestamp) throws(QuotaRefusal) {
        let namespace = charge.name.namespace
        // What it uses is worked out before the lock is taken.
        let quotas = rules(in: namespace)
        var pending = Pending(
            resource: charge.resource, name: charge.name, uid: charge.new.at("metadata", "uid")?.string ?? "",
            wanted: [:], booked: [:])
        var deltas: [(rules: QuotaRules, amounts: QuotaUsage.Amounts)] = []
        for rules in quotas {
            let wanted = rules.usage(of: charge.new, charge.resource)
            let present = charge.old.map { rules.usage(of: $0, charge.resource) } ?? [:]
            let delta = Self.growth(from: present, to: wanted)
            (pending.wanted[rules.name], pending.booked[rules.name]) = (wanted, present)
            if !delta.isEmpty { deltas.append((rules, delta)) }
        }
        guard !deltas.isEmpty else { return }
        let (noted, asked) = (pending, deltas)
        let found: QuotaRefusal? = state.withLock { state in
            state.book.expire(in: namespace, at: now)
            for (rules, delta) in asked {
                let quota = ObjectName(namespace: namespace, name: rules.name)
                guard let account = state.book.account(of: quota) else { continue }
                let others = Array((state.pending[namespace] ?? [:]).values)
                if let refusal = refusal(of: delta, charge, under: account, beside: others) { return refusal }
            }
            if !isDryRun { state.pending[namespace, default: [:]][charge.key] = noted }
            return nil
        }
        if let found { throw found }
    }

    /// A write is over, whatever came of it.
    func settle(_ key: ObjectIdentifier, in namespace: String) {
        state.withLock { state in
            guard state.pending[namespace]?.removeValue(forKey: key) != nil else { return }
            if state.pending[namespace]?.isEmpty == true { state.pending[namespace] = nil }
        }
    }

    /// What is used more than before. What is used less makes room, and is never refused.
    private static func growth(from old: QuotaUsage.Amounts, to new: QuotaUsage.Amounts) -> QuotaUsage.Amounts {
        var growth = QuotaUsage.Amounts()
        for (name, amount) in new {
            let more = amount - (old[name] ?? .zero)
            if more > .zero { growth[name] = more }
        }
        return growth
    }

    private func refusal(
        of delta: QuotaUsage.Amounts, _ charge: Charge, under account: QuotaBook.Account, beside others: [Pending]
    ) -> QuotaRefusal? {
        let quota = account.rules.name
        var (used, limited) = (QuotaUsage.Amounts(), QuotaUsage.Amounts())
        for (name, amount) in delta {
            guard let limit = account.rules.hard[name] else { continue }
            var present: Quantity
            if let booked = account.used[name] {
                present = booked
                for other in others {
                    present += Self.growth(from: other.booked[quota] ?? [:], to: other.wanted[quota] ?? [:])[name] ?? .zero
                }
            } else {
                present = counted(charge.resource, in: charge.name.namespace, beside: others)
            }
            if present + amount > limit { (used[name], limited[name]) = (present, limit) }
        }
        guard !used.isEmpty else { return nil }
        return .exceeded(quota: quota, requested: delta.filter { used[$0.key] != nil }, used: used, limited: limited)
    }

    /// How many objects there are of a resource that is merely counted, and are about to be.
    ///
    /// Called with the lock held, in which pending writes end: one that is not among the others has its object in the
    /// cache, and one that is may have it there or not.
    private func counted(
        _ resource: GroupVersionResource, in namespace: String, beside others: [Pending]
    ) -> Quantity {
        let present = cache(resource)?.list(namespace: namespace) ?? []
        let coming = others.filter { other in
            (other.resource.resource, other.resource.group) == (resource.resource, resource.group)
                && !Self.contains(other, present)
        }
        return Quantity(Int64(present.count + coming.count))
    }

    /// Whether the object of a write is there. `present` is in the order of names.
    private static func contains(_ pending: Pending, _ present: ArraySlice<StoredObject>) -> Bool {
        var (low, high) = (present.startIndex, present.endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if present[middle].name < pending.name.name { low = middle + 1 } else { high = middle }
        }
        return low < present.endIndex && present[low].name == pending.name.name && present[low].uid == pending.uid
    }
}
