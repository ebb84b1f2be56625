import API
public import APIMachinery
public import Client
import Support
import Synchronization

/// Tells in the status of each quota how much of it is used.
///
/// Admission keeps the quotas by a book of its own (`QuotaLedger`) and does not wait for this: the status is for people,
/// and for programs that look before they create.
public struct ResourceQuotaController: Controller {
    public let name = "resourcequota-controller"
    private let catalog: any ResourceCatalog

    /// - Parameter catalog: All that the server serves; what is in namespaces can be counted.
    public init(catalog: any ResourceCatalog) { self.catalog = catalog }

    /// With the kinds that come with Kubernetes alone.
    public init() { self.init(catalog: FixedCatalog.builtin) }

    public func run(_ context: ControllerContext) async throws(Status) {
        let quotas = try await context.client.observe(ResourceQuota.self)
        var measured: [GroupVersionResource: any ObjectSet] = [:]
        for resource in QuotaNames.measured { measured[resource] = try await context.client.observe(resource, .all) }
        let classes = try await context.client.observe(.deviceClasses, .all)
        let tally = QuotaTally(measured)
        let loop = ReconcileLoop<ObjectName>(context)
        var sources: [ReconcileLoop<ObjectName>.Source] = [.own(quotas)]
        // What devices count as.
        sources.append(ReconcileLoop<ObjectName>.Source(classes) { _ in tally.quotas(counting: .resourceClaims) })
        for (resource, set) in measured {
            sources.append(ReconcileLoop<ObjectName>.Source(set) { tally.take($0, of: resource) })
        }
        let counted = SweptResources(context) { _, resource in
            for quota in tally.quotas(counting: resource.entry.resource) { loop.queue.add(quota) }
            return loop.follow(
                ReconcileLoop<ObjectName>.Source(resource.set) { change in
                    // Only what comes or goes changes a number.
                    guard change.old == nil || change.new == nil else { return [] }
                    return tally.quotas(counting: resource.entry.resource, in: change.name.namespace)
                })
        }
        let work = QuotaWork(context: context, quotas: quotas, classes: classes, counted: counted, tally: tally)
        let followed = sources
        try await counted.run(catalog, report: context.log, where: Self.isCounted) {
            await loop.run(followed) { name throws(Status) in try await work.tell(name) }
        }
    }

    private static func isCounted(_ entry: CatalogEntry) -> Bool {
        entry.isNamespaced && entry.resource != .events && !QuotaNames.measured.contains(entry.resource)
    }
}

/// The passes.
private struct QuotaWork: Sendable {
    let context: ControllerContext
    let quotas: any ObjectSet
    let classes: any ObjectSet
    let counted: SweptResources
    let tally: QuotaTally

    /// Brings a quota's status up to date. Returns after how long a pod ceases to count, if one will.
    func tell(_ name: ObjectName) async throws(Status) -> Duration? {
        let quota = quotas.get(name)?.value
        let extended = QuotaNames.extended(by: classes.list(namespace: nil).map(\.value))
        let rules = quota.map { QuotaRules($0, extended: extended) }
        let (account, next) = tally.account(of: name, rules, at: context.now())
        guard var quota, let account else { return nil }
        let present = counted.present
        let status = QuotaStatus.status(of: quota, account) { resource, group in
            present.first { $0.entry.resource.resource == resource && $0.entry.resource.group == group }?
                .set.list(namespace: name.namespace).count
        }
        guard quota["status"] != status else { return next }
        quota["status"] = status
        let target = Target(.resourceQuotas, name, subresource: "status")
        try await context.client.update(target, quota, WriteOptions())
        return next
    }
}

/// What the observations tell of measured objects.
private final class QuotaTally: Sendable {
    private struct State {
        var book = QuotaBook()
        var names: Set<ObjectName> = []
    }

    private let state = Mutex(State())
    private let measured: [GroupVersionResource: any ObjectSet]

    init(_ measured: [GroupVersionResource: any ObjectSet]) { self.measured = measured }

    /// The account of a quota as it is now, and how long until time alone changes it.
    func account(
        of name: ObjectName, _ rules: QuotaRules?, at now: Timestamp
    ) -> (account: QuotaBook.Account?, next: Duration?) {
        state.withLock { state in
            if rules == nil { state.names.remove(name) } else { state.names.insert(name) }
            state.book.set(rules, for: name) { measured[$0]?.list(namespace: name.namespace) ?? [] }
            state.book.expire(in: name.namespace, at: now)
            let next = state.book.nextEnd(in: name.namespace).map { max($0 - now, .zero) }
            return (state.book.account(of: name), next)
        }
    }

    /// Books a change, and returns the quotas that it concerns.
    func take(_ change: ObjectChange, of resource: GroupVersionResource) -> [ObjectName] {
        state.withLock { $0.book.apply(resource, old: change.old, new: change.new) }
        return quotas(counting: resource, in: change.name.namespace)
    }

    func quotas(counting resource: GroupVersionResource, in namespace: String) -> [ObjectName] {
        state.withLock { $0.book.accounts(in: namespace) }
            .filter { !$0.rules.names(for: resource).isEmpty }
            .map { ObjectName(namespace: namespace, name: $0.rules.name) }
    }

    func quotas(counting resource: GroupVersionResource) -> [ObjectName] {
        let namespaces = Set(state.withLock { $0.names.map(\.namespace) })
        return namespaces.flatMap { quotas(counting: resource, in: $0) }
    }
}
