import API
import APIMachinery
import Client
import Logging
import Support
import Synchronization
import Wire

/// Keeps the APIServices: one for each version that this server serves, and for those that others answer for the
/// condition that says whether they do.
///
/// Work is caused by changes of APIServices, services, endpoints and served kinds, by requests that failed, and by the
/// clock only while a server does not answer as it should.
struct AggregationKeeper: Sendable {
    let client: LocalClient
    let registry: Registry
    /// The versions that this server serves, by the names of their APIServices.
    let local: Derived<[String: LocalAPIService]>
    let objects: Objects
    let table: ExtensionTable
    let caller: ExtensionCaller
    let metrics: AggregationMetrics
    let now: @Sendable () -> Timestamp
    let clock: any Clock<Duration>
    let report: Logger
    private let written = WrittenConditions()

    /// What is observed.
    struct Objects: Sendable {
        let apiServices: any ObjectSet
        let services: any ObjectSet
        let endpointSlices: any ObjectSet
    }

    /// When a server that does not answer is asked again.
    private static let patience = Duration.seconds(10)
    /// How often a server is asked before it counts as unavailable: one of its endpoints may be just going away.
    private static let attempts = 3
    private static let workers = 8

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<String>(clock: clock)
        let observations = observe(queue)
        defer { for observation in observations { observation.cancel() } }
        await queue.run(workers: Self.workers) { (name: String, error: Status) in
            report.warning("the APIService \(name) could not be brought up to date: \(error)")
        } _: { name throws(Status) in try await keep(name) }
    }

    private func observe(_ queue: WorkQueue<String>) -> [any Observation] {
        table.whenAsked { queue.add($0) }
        let known = Mutex<[String: LocalAPIService]>([:])
        let look = { @Sendable [weak local] in
            guard let local else { return }
            let changed = known.withLock { known in
                let now = local.content
                defer { known = now }
                return Set(known.keys).union(now.keys).filter { known[$0] != now[$0] }
            }
            for name in changed { queue.add(name) }
        }
        registry.whenChanged(look)
        look()
        let dependents = { @Sendable (service: ObjectName) in
            for server in table.present where server.service == service { queue.add(server.name) }
        }
        return [
            objects.apiServices.observe { change in
                if !written.explains(change) { queue.add(change.name.name) }
            },
            objects.services.observe { dependents($0.name) },
            objects.endpointSlices.observe { change in
                for slice in [change.old, change.new].compactMap(\.self) {
                    guard let service = slice.labels["kubernetes.io/service-name"]?.string else { continue }
                    dependents(ObjectName(namespace: slice.namespace, name: service))
                }
            },
        ]
    }

    /// Brings one APIService up to date. Returns when it is to be looked at again.
    private func keep(_ name: String) async throws(Status) -> Duration? {
        let present = objects.apiServices.get(ObjectName(name: name))?.value
        do throws(Status) {
            let action = LocalAPIService.action(local.content[name], present)
            guard action == .nothing else {
                try await action.perform(name, client)
                return nil
            }
            guard let present else { return nil }
            return try await keepCondition(name, present)
        } catch {
            // Somebody else was faster: his change brings us here again.
            guard error.isNotFound || error.isConflict || error.isAlreadyExists else { throw error }
        }
        return nil
    }

    private func keepCondition(_ name: String, _ present: Value) async throws(Status) -> Duration? {
        var condition = APIServiceCondition.local
        if let server = ExtensionServer(present) { condition = await found(server) }
        let known = APIServiceCondition(present)
        if condition != known {
            metrics.count(name, from: known, to: condition)
            written.note(name, condition)
            _ = try await client.update(
                Target(.apiServices, name: name, subresource: "status"), condition.set(in: present, at: now()),
                WriteOptions())
        }
        return condition.reason == "FailedDiscoveryCheck" ? Self.patience : nil
    }

    /// How a server is, found out now; what it offers is noted.
    private func found(_ server: ExtensionServer) async -> APIServiceCondition {
        let service = objects.services.get(Service.self, server.service)
        let slices = caller.services.slices(of: server.service)
        if let obstacle = APIServiceCondition.obstacle(to: server, service, slices) { return obstacle }
        var why = ""
        for _ in 0..<Self.attempts {
            do throws(ExtensionCaller.Unavailable) {
                var offer = ExtensionServer.Offer(resources: try await caller.document(server.path, of: server))
                await describe(&offer, server)
                table.learn(server.name, offer)
                return .passed
            } catch {
                why = error.description
            }
        }
        return APIServiceCondition(false, "FailedDiscoveryCheck", why)
    }

    /// Notes the hash of the server's OpenAPI 3 document, as its index has it (KEP-2896), or that of what stands for it at
    /// a server that knows no such documents.
    private func describe(_ offer: inout ExtensionServer.Offer, _ server: ExtensionServer) async {
        do throws(ExtensionCaller.Unavailable) {
            let index = try await caller.document("/openapi/v3", of: server)
            guard let url = index.at("paths", String(server.path.dropFirst()), "serverRelativeURL")?.string else { return }
            offer.documentHash = HTTPQuery(url.firstIndex(of: "?").map { String(url[url.index(after: $0)...]) })["hash"]
        } catch {
            guard error.code == 404, let old = try? await caller.document("/openapi/v2", of: server) else { return }
            offer.documentHash = Document.tag(of: old.json)
            offer.isDocumentConverted = true
        }
    }
}
