import APIMachinery
import Testing
import Wire

@testable import APIServer

/// What generators of clients read of `/openapi/v2`.
@Suite(.timeLimit(.minutes(5))) struct OperationTests {
    @Test(arguments: [
        ("list", "NamespacedPod", "", "v1", "listCoreV1NamespacedPod", "core_v1"),
        ("create", "NamespacedDeployment", "apps", "v1", "createAppsV1NamespacedDeployment", "apps_v1"),
        ("list", "ClusterRole", "rbac.authorization.k8s.io", "v1", "listRbacAuthorizationV1ClusterRole", "rbacAuthorization_v1"),
        ("read", "Lease", "coordination.k8s.io", "v1beta1", "readCoordinationV1beta1Lease", "coordination_v1beta1"),
        ("delete", "CollectionNamespacedCronTab", "stable.my-example.com", "v1", "deleteStableMyExampleComV1CollectionNamespacedCronTab", "stableMyExampleCom_v1"),
        ("get", "APIGroup", "apps", "", "getAppsAPIGroup", "apps"), ("get", "APIVersions", "", "", "getCoreAPIVersions", "core"),
    ])
    func `names are those of Kubernetes`(
        verb: String, object: String, group: String, version: String, id: String, tag: String
    ) {
        let name = OperationName(verb, object, group: group, version: version)
        #expect(name.id == id)
        #expect(name.tag == tag)
    }

    private static let pods = "/api/v1/namespaces/{namespace}/pods"

    /// As Kubernetes' own document has them.
    private static let known: [(path: String, method: String, id: String, action: String)] = [
        (pods, "get", "listCoreV1NamespacedPod", "list"), (pods, "post", "createCoreV1NamespacedPod", "post"),
        (pods, "delete", "deleteCoreV1CollectionNamespacedPod", "deletecollection"),
        ("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list"),
        (pods + "/{name}", "get", "readCoreV1NamespacedPod", "get"), (pods + "/{name}", "put", "replaceCoreV1NamespacedPod", "put"),
        (pods + "/{name}", "patch", "patchCoreV1NamespacedPod", "patch"),
        (pods + "/{name}", "delete", "deleteCoreV1NamespacedPod", "delete"),
        (pods + "/{name}/status", "get", "readCoreV1NamespacedPodStatus", "get"),
        (pods + "/{name}/log", "get", "readCoreV1NamespacedPodLog", "get"),
        (pods + "/{name}/eviction", "post", "createCoreV1NamespacedPodEviction", "post"),
        (pods + "/{name}/exec", "get", "connectCoreV1GetNamespacedPodExec", "connect"),
        (pods + "/{name}/exec", "post", "connectCoreV1PostNamespacedPodExec", "connect"),
        (pods + "/{name}/proxy/{path}", "put", "connectCoreV1PutNamespacedPodProxyWithPath", "connect"),
        ("/api/v1/namespaces/{name}/finalize", "put", "replaceCoreV1NamespaceFinalize", "put"),
        ("/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "watchlist"),
        ("/api/v1/watch/namespaces/{namespace}/pods", "get", "watchCoreV1NamespacedPodList", "watchlist"),
        ("/api/v1/watch/namespaces/{namespace}/pods/{name}", "get", "watchCoreV1NamespacedPod", "watch"),
        ("/api/v1/watch/nodes", "get", "watchCoreV1NodeList", "watchlist"),
        ("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "patch", "patchAppsV1NamespacedDeploymentScale", "patch"),
        (
            "/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/approval", "put",
            "replaceCertificatesV1CertificateSigningRequestApproval", "put"
        ),
        (
            "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews", "post",
            "createAuthorizationV1NamespacedLocalSubjectAccessReview", "post"
        ),
        (
            "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs", "get",
            "listStableExampleComV1NamespacedCronTab", "list"
        ),
    ]

    @Test func `every operation is named once, and describes what goes in and out`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema([:]))]))
            let response = try await api.send(.get, "/openapi/v2", token: tabs.token)
            let document = try Value(json: try await response.body.collect(limit: 64 << 20))
            let paths = document["paths"]?.fields ?? Fields()
            for known in Self.known {
                let operation = paths[known.path]?[known.method]
                #expect(operation?["operationId"] == .string(known.id), "\(known.path) \(known.method)")
                #expect(operation?["x-kubernetes-action"] == .string(known.action), "\(known.id)")
            }
            var ids: Set<String> = []
            for (path, item) in paths.map({ ($0.key, $0.value) }) {
                for (method, operation) in (item.fields ?? Fields()).map({ ($0.key, $0.value) }) where method != "parameters" {
                    let id = operation["operationId"]?.string ?? ""
                    #expect(!id.isEmpty && ids.insert(id).inserted, "\(path) \(method) \(id)")
                    #expect(operation["tags"]?.array?.count == 1, "\(id)")
                }
            }
            #expect(ids.count > 700)
            for reference in Self.references(in: document) {
                let parts = reference.split(separator: "/").map(String.init)
                #expect(parts.count == 3 && document.at(parts[1], parts[2]) != nil, "\(reference)")
            }
            let create = paths[Self.pods]?["post"]
            let body = create?["parameters"]?.array?.first
            #expect(body?.at("schema", "$ref") == "#/definitions/io.k8s.api.core.v1.Pod")
            #expect(create.flatMap { $0.at("responses", "201", "schema", "$ref") } == "#/definitions/io.k8s.api.core.v1.Pod")
            #expect(create?["consumes"] == ["*/*"])
            let exec = paths[Self.pods + "/{name}/exec"]?["parameters"]?.array ?? []
            #expect(exec.contains(["$ref": "#/parameters/command"]) && exec.contains(["$ref": "#/parameters/tty"]))
            let patch = paths[Self.pods + "/{name}"]?["patch"]
            #expect(patch?["consumes"]?.array?.contains("application/apply-patch+yaml") == true)
            let list = paths[Self.pods]?["get"]
            #expect(list.flatMap { $0.at("responses", "200", "schema", "$ref") } == "#/definitions/io.k8s.api.core.v1.PodList")
        }
    }

    /// Where the parts of a document refer to.
    private static func references(in value: Value) -> Set<String> {
        switch value {
        case .array(let items): return items.reduce(into: []) { $0.formUnion(references(in: $1)) }
        case .object(let fields):
            return fields.reduce(into: []) { found, entry in
                if entry.key == "$ref", let text = entry.value.string { found.insert(text) }
                found.formUnion(references(in: entry.value))
            }
        default: return []
        }
    }
}
