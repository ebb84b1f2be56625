import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

@Suite struct FlowSchemaTests {
    private static let standard = StandardFlows.all.filter { $0.resource == .flowSchemas }
        .map { FlowSchema(["metadata": ["name": .string($0.name)], "spec": $0.spec]) }.sorted { $0.precedes($1) }

    private static func flow(_ user: User, _ method: String, _ path: String) -> FlowSchema? {
        standard.first { $0.matches(user, RequestInfo(method: method, path: path, isWatch: false)) }
    }

    private static let account = User.serviceAccount(namespace: "web", name: "app")
    private static let systemAccount = User.serviceAccount(namespace: "kube-system", name: "dns")
    private static let person = User(name: "ann", groups: ["system:authenticated"])
    private static let anonymous = User(name: "system:anonymous", groups: ["system:unauthenticated"])
    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n"

    @Test(arguments: [
        (User.apiServer, "GET", "/api/v1/pods", "exempt", ""), (person, "GET", "/healthz", "probes", ""),
        (anonymous, "GET", "/livez", "probes", ""), (person, "GET", "/healthz/etcd", "global-default", "ann"),
        (User.scheduler, "PUT", leases, "system-leader-election", "system:kube-scheduler"),
        (User.scheduler, "DELETE", leases, "kube-scheduler", "kube-node-lease"),
        (User.controllerManager, "PUT", "/api/v1/namespaces/a/endpoints/e", "endpoint-controller", "system:kube-controller-manager"),
        (systemAccount, "PUT", "/api/v1/namespaces/a/configmaps/e", "workload-leader-election", "system:serviceaccount:kube-system:dns"),
        (systemAccount, "GET", "/api/v1/pods", "kube-system-service-accounts", ""),
        (User.node("n"), "PUT", leases, "system-node-high", "system:node:n"),
        (User.node("n"), "PATCH", "/api/v1/nodes/n/status", "system-node-high", "system:node:n"),
        (User.node("n"), "GET", "/api/v1/namespaces/a/pods/p", "system-nodes", "system:node:n"),
        (account, "GET", "/api/v1/namespaces/a/pods/p", "service-accounts", "system:serviceaccount:web:app"),
        (person, "GET", "/api/v1/namespaces/a/pods/p", "global-default", "ann"),
        (User(name: "nobody"), "GET", "/api/v1/pods", nil, ""),
    ] as [(User, String, String, String?, String)])
    func `a request finds its schema and its flow`(
        user: User, method: String, path: String, name: String?, flow: String
    ) throws {
        let schema = Self.flow(user, method, path)
        #expect(schema?.name == name)
        let info = RequestInfo(method: method, path: path, isWatch: false)
        #expect(schema?.distinguisher(user, info) ?? "" == flow)
    }

    @Test func `seats follow from shares, and some of them may be lent`() {
        let levels = StandardFlows.all.filter { $0.resource == .priorityLevelConfigurations }
            .map { PriorityLevel(["metadata": ["name": .string($0.name)], "spec": $0.spec]) }
        let limits = SeatLimits.of(levels, total: 600)
        // 600 seats on 245 shares, rounded up.
        #expect(limits["system"] == SeatLimits(nominal: 74, least: 50, most: 600))
        #expect(limits["catch-all"] == SeatLimits(nominal: 13, least: 13, most: 600))
        #expect(limits["workload-low"] == SeatLimits(nominal: 245, least: 24, most: 600))
        #expect(limits["exempt"]?.nominal == 0)
        #expect(levels.first { $0.name == "catch-all" }?.queuing == nil)
    }
}
