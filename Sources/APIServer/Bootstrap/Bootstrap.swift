import API
import APIMachinery
import Client
import Support

/// Makes the objects that every cluster has from its first moment: namespaces, the bootstrap roles of RBAC, priority
/// classes, the `kubernetes` service with the address of this server, and what aggregation begins with.
///
/// Runs at every start and leaves alone what is as it should be, so a normal start writes nothing.
struct Bootstrap: Sendable {
    /// What is made, in this order, under the names of Kubernetes' health checks.
    enum Step: String, CaseIterable {
        case namespaces = "poststarthook/start-system-namespaces-controller"
        case roles = "poststarthook/rbac/bootstrap-roles"
        case priorityClasses = "poststarthook/scheduling/bootstrap-system-priority-classes"
        case flows = "poststarthook/priority-and-fairness-config-producer"
        case kubernetesService = "poststarthook/bootstrap-controller"
        case serviceCIDR = "poststarthook/start-kubernetes-service-cidr-controller"
        case tokenTracking = "poststarthook/start-legacy-token-tracking-controller"
        case extensionAuthentication = "poststarthook/start-cluster-authentication-info-controller"
        case apiServices = "poststarthook/apiservice-registration-controller"

        /// The health checks that are passed with this step: Kubernetes has several parts for what is one here.
        var checks: [String] {
            switch self {
            case .flows: [rawValue, "poststarthook/priority-and-fairness-config-consumer"]
            case .apiServices:
                [
                    "poststarthook/start-kube-aggregator-informers",
                    "poststarthook/apiservice-status-local-available-controller",
                    "poststarthook/apiservice-status-remote-available-controller", rawValue,
                    "poststarthook/apiservice-discovery-controller", "poststarthook/kube-apiserver-autoregistration",
                    "autoregister-completion", "poststarthook/apiservice-openapi-controller",
                    "poststarthook/apiservice-openapiv3-controller",
                ]
            default: [rawValue]
            }
        }
    }

    /// The namespaces that every cluster has.
    static let namespaces = ["kube-system", "default", "kube-public", "kube-node-lease"]
    /// The service of the API itself, and what tells its endpoints.
    static let kubernetesService = ObjectName(namespace: "default", name: "kubernetes")

    let client: LocalClient
    let flows: FlowUpkeep
    let serviceCIDR: IPPrefix
    let advertiseAddress: Support.IPAddress
    let advertisePort: Int
    /// Whether others are told of that address.
    let tellsEndpoints: Bool
    let now: @Sendable () -> Timestamp
    /// What extension API servers are told; see ``ExtensionAuthentication``.
    let extensionAuthentication: [String: String]
    /// The versions that this server serves.
    let apiServices: [LocalAPIService]

    /// What could not be done, and why.
    struct Failure: Sendable {
        var step: Step
        var status: Status
    }

    /// Makes what is missing. `finished` is told each step that is done. One that fails keeps none of the others back: as in
    /// Kubernetes a webhook that cannot be called, or an object that somebody took away, must not keep the cluster from
    /// those who could mend it. Those steps are to be taken again.
    func run(_ steps: [Step] = Step.allCases, finished: (Step) -> Void) async -> [Failure] {
        var failures: [Failure] = []
        for step in steps {
            do throws(Status) {
                try await take(step)
                finished(step)
            } catch {
                failures.append(Failure(step: step, status: error))
            }
        }
        return failures
    }

    /// Does what is to be done of one step.
    func take(_ step: Step) async throws(Status) {
        switch step {
        case .namespaces: for name in Self.namespaces { try await ensure(Namespace(name: name)) }
        case .roles:
            try await atOnce(BuiltinTypes.rbacObjects() + OwnRoles.objects) { object throws(Status) in
                try await ensureRBAC(object)
            }
        case .priorityClasses: try await ensurePriorityClasses()
        case .flows: try await flows.settle()
        case .kubernetesService: try await ensureKubernetesService()
        case .serviceCIDR: try await ConfiguredServiceRange(client: client, range: serviceCIDR).ensure()
        case .tokenTracking: try await ensureTokenTracking()
        case .extensionAuthentication:
            try await ExtensionAuthentication.publish(extensionAuthentication, by: client)
        case .apiServices: try await atOnce(apiServices) { local throws(Status) in try await local.keep(client) }
        }
    }

    /// Creates the object unless one of its name is there.
    private func ensure<R: ResourceView>(_ object: R) async throws(Status) {
        guard try await client.find(R.self, object.objectName) == nil else { return }
        do throws(Status) {
            try await client.create(object)
        } catch {
            // Somebody else was first.
            guard error.isAlreadyExists else { throw error }
        }
    }

    /// All at once, since those who write at the same time share an fsync.
    private func atOnce<T: Sendable>(
        _ items: [T], _ make: @escaping @Sendable (T) async throws(Status) -> Void
    ) async throws(Status) {
        let failure = await withTaskGroup(of: Status?.self) { group in
            for item in items {
                group.addTask {
                    do throws(Status) {
                        try await make(item)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.first { $0 != nil } ?? nil
        }
        if let failure { throw failure }
    }

    /// Roles and bindings are brought up to date at each start unless they say otherwise (Kubernetes documentation,
    /// "Auto-reconciliation"): what is missing is added, what somebody added stays.
    private func ensureRBAC(_ object: Value) async throws(Status) {
        let kind = GroupVersionKind(
            apiVersion: object["apiVersion"]?.string ?? "", kind: object["kind"]?.string ?? "")
        guard let definition = BuiltinResources.shared.definition(of: kind) else { return }
        let name = ObjectName(
            namespace: object.at("metadata", "namespace")?.string ?? "",
            name: object.at("metadata", "name")?.string ?? "")
        let target = Target(definition.resource, name)
        let present: Value?
        do throws(Status) {
            present = try await client.get(target).value
        } catch {
            guard error.isNotFound else { throw error }
            present = nil
        }
        guard let present else {
            _ = try await client.create(
                Target(definition.resource, namespace: name.namespace), object, WriteOptions())
            return
        }
        guard present.at("metadata", "annotations", "rbac.authorization.kubernetes.io/autoupdate") != "false" else { return }
        var updated = present
        // By its labels a role is found by those that are put together from others.
        for (name, text) in object.at("metadata", "labels")?.fields ?? Fields()
        where present.at("metadata", "labels", name) == nil {
            updated[path: ["metadata", "labels", name]] = text
        }
        if let aggregation = object["aggregationRule"], present["aggregationRule"] == nil {
            updated["aggregationRule"] = aggregation
        }
        for key in ["rules", "subjects"] {
            let missing = (object[key]?.array ?? []).filter { !(present[key]?.array ?? []).contains($0) }
            if !missing.isEmpty { updated[key] = .array((present[key]?.array ?? []) + missing) }
        }
        if updated != present { _ = try await client.update(target, updated, WriteOptions()) }
    }

    private func ensurePriorityClasses() async throws(Status) {
        for known in SystemPriorityClass.allCases {
            var priorityClass = PriorityClass(name: known.rawValue)
            priorityClass.value["value"] = .integer(known.priority)
            priorityClass.value["description"] = .string(known.text)
            try await ensure(priorityClass)
        }
    }

    /// Notes since when the use of tokens in Secrets is noted: who has not used one before that may have done so unseen
    /// (KEP-2799).
    private func ensureTokenTracking() async throws(Status) {
        let (name, key) = (AccountTokenSecret.tracking, AccountTokenSecret.trackedSince)
        let today = AccountTokenSecret.day(of: now())
        guard var map = try await client.find(ConfigMap.self, name) else {
            var map = ConfigMap(namespace: name.namespace, name: name.name)
            map.data = [key: today]
            try await client.create(map)
            return
        }
        if let since = AccountTokenSecret.day(map.data[key] ?? ""), since <= now() { return }
        map.data[key] = today
        try await client.update(map)
    }

    // MARK: The kubernetes service

    private func ensureKubernetesService() async throws(Status) {
        guard let address = serviceCIDR.first.advanced(by: 1) else { return }
        let name = Self.kubernetesService
        var service = Service(namespace: name.namespace, name: name.name)
        service.value[path: ["metadata", "labels"]] = ["component": "apiserver", "provider": "kubernetes"]
        service.value["spec"] = [
            "clusterIP": .string(address.description), "sessionAffinity": "None", "type": "ClusterIP",
            "ports": [
                ["name": "https", "port": 443, "protocol": "TCP", "targetPort": .integer(Int64(advertisePort))]
            ],
        ]
        try await ensure(service)
        // What follows services finds this one as it should be, so that nothing is written after the start.
        if let object = ServiceAddress(address: address, owner: name).object { try await ensure(object) }
        // An address of this host alone is nowhere to send others, and no endpoint may be one.
        guard tellsEndpoints, !advertiseAddress.isLoopback else { return }
        try await put(Endpoints.resource, name, endpoints)
        try await put(EndpointSlice.resource, name, endpointSlice)
    }

    private var endpoints: Value {
        [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": [
                "name": "kubernetes", "namespace": "default",
                "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
            ],
            "subsets": [
                [
                    "addresses": [["ip": .string(advertiseAddress.description)]],
                    "ports": [["name": "https", "port": .integer(Int64(advertisePort)), "protocol": "TCP"]],
                ]
            ],
        ]
    }

    private var endpointSlice: Value {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": "kubernetes", "namespace": "default", "labels": ["kubernetes.io/service-name": "kubernetes"],
            ],
            "addressType": .string(advertiseAddress.family == .v4 ? "IPv4" : "IPv6"),
            "endpoints": [
                ["addresses": [.string(advertiseAddress.description)], "conditions": ["ready": true]]
            ],
            "ports": [["name": "https", "port": .integer(Int64(advertisePort)), "protocol": "TCP"]],
        ]
    }

    /// Creates the object, or makes what is particular to it as it should be.
    private func put(_ resource: GroupVersionResource, _ name: ObjectName, _ object: Value) async throws(Status) {
        do throws(Status) {
            let present = try await client.get(Target(resource, name)).value
            var updated = present
            for key in ["subsets", "endpoints", "ports"] {
                if let wanted = object[key] { updated[key] = wanted }
            }
            _ = try await client.update(Target(resource, name), updated, WriteOptions())
        } catch {
            guard error.isNotFound else { throw error }
            _ = try await client.create(Target(resource, namespace: name.namespace), object, WriteOptions())
        }
    }
}
