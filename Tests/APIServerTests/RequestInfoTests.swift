import APIMachinery
import Testing

@testable import APIServer

@Suite struct RequestInfoTests {
    struct Case: Sendable {
        var method: String
        var path: String
        var verb: String
        var resource: String
        var namespace = ""
        var name = ""
        var subresource = ""
        var rest = ""
    }

    @Test(arguments: [
        Case(method: "GET", path: "/api/v1/pods", verb: "list", resource: "v1/pods"),
        Case(method: "POST", path: "/api/v1/namespaces/ns/pods", verb: "create", resource: "v1/pods", namespace: "ns"),
        Case(
            method: "PUT", path: "/apis/apps/v1/namespaces/ns/deployments/web/status", verb: "update",
            resource: "apps/v1/deployments", namespace: "ns", name: "web", subresource: "status"),
        Case(
            method: "GET", path: "/api/v1/namespaces/ns", verb: "get", resource: "v1/namespaces", namespace: "ns",
            name: "ns"),
        Case(
            method: "PUT", path: "/api/v1/namespaces/ns/finalize", verb: "update", resource: "v1/namespaces",
            namespace: "ns", name: "ns", subresource: "finalize"),
        Case(method: "DELETE", path: "/api/v1/namespaces/ns/pods", verb: "deletecollection", resource: "v1/pods", namespace: "ns"),
        Case(method: "DELETE", path: "/api/v1/nodes/n", verb: "delete", resource: "v1/nodes", name: "n"),
        Case(
            method: "GET", path: "/api/v1/namespaces/ns/services/web/proxy/a/b", verb: "get", resource: "v1/services",
            namespace: "ns", name: "web", subresource: "proxy", rest: "a/b"),
        Case(method: "GET", path: "/api/v1/watch/pods", verb: "watch", resource: "v1/pods"),
        Case(
            method: "GET", path: "/api/v1/watch/namespaces/ns/pods/p", verb: "watch", resource: "v1/pods",
            namespace: "ns", name: "p"),
        Case(method: "PATCH", path: "/apis/x.io/v1/foos/a", verb: "patch", resource: "x.io/v1/foos", name: "a"),
    ])
    func `a resource path says what is asked for`(example: Case) {
        let info = RequestInfo(method: example.method, path: example.path, isWatch: false)
        #expect(info.verb == example.verb)
        #expect(info.resource?.description == example.resource)
        #expect(info.namespace == example.namespace)
        #expect(info.name == example.name)
        #expect(info.subresource == example.subresource)
        #expect(info.rest == example.rest)
    }

    @Test(arguments: ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/openapi/v2"])
    func `other paths are plain`(path: String) {
        let info = RequestInfo(method: "GET", path: path, isWatch: false)
        #expect(!info.isResourceRequest)
        #expect(info.verb == "get")
    }

    @Test func `a watch of one name is authorised by that name`() {
        let info = RequestInfo(method: "GET", path: "/api/v1/nodes", isWatch: true, fieldName: "n1")
        #expect(info.verb == "watch")
        #expect(info.name == "n1")
    }

    @Test func `one object is got, whatever the query says of watching`() {
        let info = RequestInfo(method: "GET", path: "/api/v1/namespaces/ns/pods/p", isWatch: true)
        #expect(info.verb == "get")
    }
}
