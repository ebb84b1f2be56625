import API
import APIMachinery
import Support
import Wire

/// `/metrics`: what people who run clusters watch.
struct Metrics: DocumentSource {
    let requests: RequestMetrics
    let gate: GateFigures
    let webhooks: WebhookMetrics
    let policies: PolicyMetrics
    let aggregation: AggregationMetrics
    let audit: Auditor?
    let flows: FlowControl?
    let lives: CertificateLives
    let calls: LocalCalls
    let registry: Registry
    /// The answer of `/version`.
    let version: Value
    /// Of the process, from its owner.
    let process: @Sendable (inout MetricText) -> Void

    var paths: [String] { ["/metrics"] }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path == "/metrics" else { return nil }
        var text = MetricText()
        requests.write(to: &text) { registry[$0]?.deprecation != nil }
        registry.admission.figures.write(to: &text)
        webhooks.write(to: &text)
        policies.write(to: &text)
        aggregation.write(to: &text)
        gate.write(to: &text)
        registry.watchFigures.write(to: &text)
        Auditor.write(audit, to: &text)
        flows?.write(to: &text)
        lives.write(to: &text)
        calls.write(to: &text)
        writeStorage(&text)
        writeBuild(&text)
        process(&text)
        var document = Document(contentType: MetricText.contentType, bytes: text.bytes)
        document.rest = { [log = registry.logs.durable] in
            var text = MetricText()
            guard let size = await log.size() else { return [] }
            text.begin("apiserver_storage_size_bytes", .gauge, "What the cluster's state takes on its disk.")
            text.sample("apiserver_storage_size_bytes", [("storage_cluster_id", "etcd-0")], Double(size.bytes))
            return text.bytes
        }
        return document
    }

    /// What is stored of a resource.
    private struct Stored {
        let name: String
        let resource: GroupVersionResource
        let counts: ResourceCache.Counts

        init(_ definition: ResourceDefinition, _ counts: ResourceCache.Counts) {
            name = definition.resource.groupResource
            resource = definition.resource
            self.counts = counts
        }
    }

    private func writeStorage(_ text: inout MetricText) {
        // A kind that is served in several versions is stored once, and who scrapes takes no series twice.
        var seen: Set<ObjectIdentifier> = []
        let stores = registry.all.compactMap { served -> Stored? in
            guard let store = served.store, seen.insert(ObjectIdentifier(store.cache)).inserted else { return nil }
            return Stored(served.definition, store.cache.counts)
        }
        LogFigures.write([registry.logs.durable.figures, registry.logs.volatile.figures], to: &text)
        text.begin("apiserver_storage_objects", .gauge, "Objects that are stored.")
        for store in stores {
            text.sample("apiserver_storage_objects", [("resource", store.name)], Double(store.counts.objects))
        }
        text.begin("apiserver_resource_objects", .gauge, "Objects that are stored.")
        for store in stores {
            let labels = [("group", store.resource.group), ("resource", store.resource.resource)]
            text.sample("apiserver_resource_objects", labels, Double(store.counts.objects))
        }
        text.begin("apiserver_registered_watchers", .gauge, "Watches from outside that are open.")
        for store in stores where store.counts.watchers > 0 {
            text.sample("apiserver_registered_watchers", [("resource", store.name)], Double(store.counts.watchers))
        }
    }

    private func writeBuild(_ text: inout MetricText) {
        let keys = [
            ("build_date", "buildDate"), ("compiler", "compiler"), ("git_commit", "gitCommit"),
            ("git_tree_state", "gitTreeState"), ("git_version", "gitVersion"), ("go_version", "goVersion"),
            ("major", "major"), ("minor", "minor"), ("platform", "platform"),
        ]
        text.begin("kubernetes_build_info", .gauge, "What this program was built from.")
        text.sample("kubernetes_build_info", keys.map { ($0.0, version[$0.1]?.string ?? "") }, 1)
    }
}
