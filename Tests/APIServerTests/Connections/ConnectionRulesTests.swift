import API
import APIMachinery
import Client
import Support
import Testing
import Wire

@testable import APIServer

@Suite struct ConnectionRulesTests {
    private func pod(_ containers: [String], initContainers: [String] = []) -> Pod {
        func list(_ names: [String]) -> Value { .array(names.map { ["name": .string($0)] }) }
        return Pod([
            "metadata": ["name": "web"],
            "spec": ["containers": list(containers), "initContainers": list(initContainers)],
        ])
    }

    @Test func `a container is named, or is the only one`() throws {
        #expect(try PodContainer.choose("", in: pod(["a"], initContainers: ["i"])) == "a")
        #expect(try PodContainer.choose("i", in: pod(["a"], initContainers: ["i"])) == "i")
        #expect(
            throws: Status.badRequest("a container name must be specified for pod web, choose one of: [i a b]")
        ) { try PodContainer.choose("", in: pod(["a", "b"], initContainers: ["i"])) }
        #expect(throws: Status.badRequest("container x is not valid for pod web")) {
            try PodContainer.choose("x", in: pod(["a"]))
        }
    }

    @Test func `a node's address is the most preferred`() throws {
        var node = Node(name: "n")
        node.value[path: ["status", "addresses"]] = [
            ["type": "Hostname", "address": "n"], ["type": "InternalIP", "address": "10.0.0.1"],
            ["type": "InternalIP", "address": "fd00::1"],
        ]
        let types = ["ExternalIP", "InternalIP", "Hostname"]
        #expect(try KubeletAddress(node, preferring: types).host == "10.0.0.1")
        #expect(try KubeletAddress(node, preferring: types).port == 10250)
        #expect(try KubeletAddress(node, preferring: ["Hostname"]).host == "n")
        node.value[path: ["status", "daemonEndpoints", "kubeletEndpoint", "Port"]] = 10260
        #expect(try KubeletAddress(node, preferring: types).port == 10260)
        #expect(throws: Status.self) { try KubeletAddress(node, preferring: ["ExternalDNS"]) }
    }

    @Test func `log options go on to the kubelet`() throws {
        let query = HTTPQuery("follow=true&previous=false&tailLines=5&sinceTime=2026-01-02T03:04:05Z&container=c")
        #expect(try ConnectionQuery(log: query).text == "?follow=true&tailLines=5&sinceTime=2026-01-02T03%3A04%3A05Z")
        #expect(try ConnectionQuery(log: HTTPQuery("")).text == "")
    }

    @Test(arguments: [
        (
            "tailLines=-1", 422,
            "PodLogOptions \"\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"
        ),
        ("limitBytes=0", 422, "PodLogOptions \"\" is invalid: limitBytes: Invalid value: 0: must be greater than 0"),
        (
            "sinceSeconds=5&sinceTime=2026-01-02T03:04:05Z", 422,
            "PodLogOptions \"\" is invalid: sinceTime: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        ),
        ("tailLines=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
    ])
    func `log options that make no sense are refused`(query: String, code: Int, message: String) {
        do throws(Status) {
            _ = try ConnectionQuery(log: HTTPQuery(query))
            Issue.record("accepted")
        } catch {
            #expect(error.code == code)
            #expect(error.message == message)
        }
    }

    @Test func `a command's options go on under the kubelet's names`() {
        let query = HTTPQuery("stdin=true&stdout=1&stderr=false&tty=&command=sh&command=-c&command=echo%20a%26b")
        #expect(
            ConnectionQuery(command: query).text
                == "?input=1&output=1&tty=1&command=sh&command=-c&command=echo%20a%26b")
        #expect(RemoteCommandStreams.Wanted(command: query) == .init(stdin: true, stdout: true, resize: true))
    }

    @Test func `hop-by-hop headers and credentials are not passed on`() {
        let headers: HTTPHeaders = [
            "Host": "api", "Authorization": "Bearer x", "Connection": "Upgrade, X-Own", "Upgrade": "SPDY/3.1",
            "X-Own": "1", "X-Stream-Protocol-Version": "v4.channel.k8s.io", "Accept": "*/*", "TE": "trailers",
        ]
        #expect(
            PassedHeaders.request(headers, isUpgrade: true, keepsHost: false)
                == ["X-Stream-Protocol-Version": "v4.channel.k8s.io", "Accept": "*/*", "Upgrade": "SPDY/3.1"])
        #expect(
            PassedHeaders.request(headers, isUpgrade: false, keepsHost: true)
                == ["Host": "api", "X-Stream-Protocol-Version": "v4.channel.k8s.io", "Accept": "*/*"])
    }

    @Test func `nobody behind the server sees a client's token, or believes its word on users`() {
        let token = "base64url.bearer.authorization.k8s.io.b25l"
        let headers: HTTPHeaders = [
            "Connection": "Upgrade", "Upgrade": "websocket", "Authorization": "Bearer one", "X-Remote-User": "admin",
            "x-remote-group": "system:masters", "X-Remote-Uid": "1", "X-Remote-Extra-Scopes": "all",
            "Sec-WebSocket-Protocol": "a, \(token)", "X-Remote-Control": "on",
        ]
        #expect(
            PassedHeaders.request(headers, isUpgrade: true, keepsHost: false)
                == ["X-Remote-Control": "on", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "a"])
        let alone: HTTPHeaders = ["Sec-WebSocket-Protocol": token]
        #expect(PassedHeaders.request(alone, isUpgrade: false, keepsHost: false).isEmpty)
    }

    @Test func `the first version of the channels tells failures only, as text`() {
        let failure = Status.badRequest("no").value.json
        let success = Array(#"{"metadata":{},"status":"Success"}"#.utf8)
        let old = CommandOutcome(subprotocol: WebSocketSubprotocol.channel)
        #expect(old.message(failure) == Array("no".utf8))
        #expect(old.message(success) == [])
        let new = CommandOutcome(subprotocol: WebSocketSubprotocol.channelV5)
        #expect(new.message(failure) == failure)
        #expect(new.message(success) == success)
    }

    // MARK: Proxies

    @Test func `a proxy's name has a scheme and a port`() {
        #expect(ProxyName("web") == ProxyName("web"))
        let full = ProxyName("https:web:8443")
        #expect(full?.isSecure == true && full?.name == "web" && full?.port == "8443")
        #expect(ProxyName("web:http")?.port == "http")
        #expect(ProxyName(":web:80")?.scheme == "")
        for bad in ["", ":80", "ftp:web:21", "a:b:c:d"] { #expect(ProxyName(bad) == nil, "\(bad)") }
    }

    @Test(arguments: [
        ("/api/v1/namespaces/ns/pods/http:web:80/proxy", "/", true),
        ("/api/v1/namespaces/ns/pods/http:web:80/proxy/", "/", false),
        ("/api/v1/namespaces/ns/pods/http%3Aweb%3A80/proxy/a%2Fb/c/", "/a%2Fb/c/", false),
        ("/api/v1/namespaces/ns/pods/http:web:80/proxy//a", "//a", false),
        ("/api/v1/namespaces/ns%2Fpods/http:web:80/proxy/x/y", nil, false),
    ])
    func `a proxy's path is passed on as it was sent`(path: String, text: String?, isMissing: Bool) {
        let target = Target(.pods, namespace: "ns", name: "http:web:80", subresource: "proxy")
        let found = ProxyPath(path, of: target)
        #expect(found?.text == text)
        #expect(text == nil || found?.isMissing == isMissing)
    }

    @Test func `a pod is reached at its first port unless one is named`() throws {
        var pod = pod(["a"])
        pod.value[path: ["status", "podIP"]] = "10.42.0.5"
        let name = try #require(ProxyName("web"))
        func target(_ name: ProxyName) throws -> ProxyTarget { try ProxyTarget(name, in: pod) { $0.isGlobalUnicast } }
        #expect(try target(name) == ProxyTarget(host: "10.42.0.5", port: 80, isSecure: false))
        pod.value[path: ["spec", "containers"]] = [["name": "a", "ports": [["containerPort": 8080]]]]
        #expect(try target(name).port == 8080)
        #expect(try target(try #require(ProxyName("https:web:8443"))) == ProxyTarget(host: "10.42.0.5", port: 8443, isSecure: true))
        pod.value[path: ["status", "podIP"]] = "127.0.0.1"
        #expect(throws: Status.badRequest("address not allowed")) { try target(name) }
    }

    @Test func `a service is reached at a ready endpoint`() throws {
        let service = Service(["spec": ["ports": [["name": "http", "port": 80], ["name": "admin", "port": 81]]]])
        let slice = EndpointSlice([
            "addressType": "IPv4", "ports": [["name": "http", "port": 8080]],
            "endpoints": [
                ["addresses": ["10.42.0.5"], "conditions": ["ready": false]],
                ["addresses": ["10.42.0.6"], "conditions": ["ready": true]],
            ],
        ])
        func target(_ text: String) throws -> ProxyTarget {
            let name = try #require(ProxyName(text))
            return try ProxyTarget(name, of: service, [slice], isProxyable: { $0.isGlobalUnicast }) { count in
                #expect(count == 1)
                return 0
            }
        }
        let expected = ProxyTarget(host: "10.42.0.6", port: 8080, isSecure: false)
        #expect(try target("web:http") == expected)
        #expect(try target("web:80") == expected)
        #expect(try target("https:web:80").isSecure)
        #expect(throws: Status.serviceUnavailable("no endpoints available for service \"web\"")) { try target("web:81") }
        #expect(throws: Status.serviceUnavailable("no service port 82 found for service \"web\"")) { try target("web:82") }
    }
}
