import API
import APIMachinery
import APIServer
import Client
import Datastore
import Host
import Kubelet
import Logging
import PKI
import Runtime
import Support
import Testing
import Wire

/// An API server and the node API of one node, both on loopback with TLS, and a pod whose containers only the runtime's
/// streaming server plays. Everything between kubectl and the runtime is real.
struct ConnectedCluster: Sendable {
    let api: HTTPAddress
    let node: HTTPAddress
    let server: APIServer
    let runtime: StreamingRuntime
    let log: WrittenLog
    /// What the node has beside that.
    let folder: NodeFolder
    let authority: TestAuthority

    /// Runs the cluster while `body` uses it.
    static func run(
        _ handlers: NodeHandlers = NodeHandlers(), on folder: NodeFolder? = nil,
        _ body: @escaping @Sendable (ConnectedCluster) async throws -> Void
    ) async throws {
        let folder = try folder ?? NodeFolder()
        let runtime = StreamingRuntime()
        try await runtime.serve {
            let authority = try TestAuthority()
            let server = try await APIServer.open(try options(authority))
            await server.bootstrap()
            let client = server.client()
            let directory = APIPods(set: try await client.observe(Pod.self))
            let node = try NodeAPI(
                nodeName: "node", pods: directory, runtime: runtime, client: client,
                configuration: Array(#"{"kubeletconfig":{}}"#.utf8), flags: ["max-pods": "7"], version: "v1.36.3+k3s1",
                layout: folder.layout, handlers: handlers,
                clientAuthorities: authority.authority.chain, log: Logger(label: "node"))
            try await listen(node, try authority.server()) { nodeAddress in
                try await listen(server.handler, try authority.server()) { apiAddress in
                    let log = try WrittenLog()
                    runtime.add("one", logPath: log.path)
                    try await populate(client, nodePort: nodeAddress.port)
                    try await body(
                        ConnectedCluster(
                            api: apiAddress, node: nodeAddress, server: server, runtime: runtime, log: log,
                            folder: folder, authority: authority))
                }
            }
            await server.close()
        }
    }

    private static func options(_ authority: TestAuthority) throws -> APIServerOptions {
        var options = APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: authority.authority.chain,
            serviceAccountKeys: [try PrivateKey.generateP256()], serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        let (certificate, key) = try authority.client("system:apiserver", groups: ["system:masters"])
        options.kubeletConnection = KubeletConnectionOptions(
            authoritiesPEM: authority.authority.pem, certificatePEM: certificate, keyPEM: key)
        return options
    }

    private static func listen(
        _ handler: any HTTPHandler, _ identity: TLSIdentity, _ body: (HTTPAddress) async throws -> Void
    ) async throws {
        let server = HTTPServer(handler: handler, log: Logger(label: "server"))
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), certificates: identity)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            do {
                try await body(address)
            } catch {
                await server.stop(within: .zero)
                throw error
            }
            await server.stop(within: .zero)
        }
    }

    /// A node, and pods on it: `web` runs, `two` has two containers, `new` waits, `lost` is on a node that is gone.
    private static func populate(_ client: LocalClient, nodePort: Int) async throws {
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        var node = Node(name: "node")
        node = try await client.create(node)
        node.value["status"] = [
            "addresses": [["type": "InternalIP", "address": "127.0.0.1"]],
            "daemonEndpoints": ["kubeletEndpoint": ["Port": .integer(Int64(nodePort))]],
        ]
        try await client.updateStatus(node)
        let running: Value = ["running": ["startedAt": "2026-01-02T03:04:05Z"]]
        try await addPod(client, "web", on: "node", ["c": running])
        try await addPod(client, "two", on: "node", ["a": running, "b": running])
        try await addPod(client, "new", on: "node", ["c": ["waiting": ["reason": "ContainerCreating"]]])
        try await addPod(client, "lost", on: "gone", ["c": running])
    }

    private static func addPod(
        _ client: LocalClient, _ name: String, on node: String, _ states: [String: Value]
    ) async throws {
        let names = states.keys.sorted()
        var pod = Pod(namespace: "default", name: name)
        pod.value["spec"] = [
            "nodeName": .string(node), "automountServiceAccountToken": false,
            "containers": .array(names.map { ["name": .string($0), "image": "busybox"] }),
        ]
        pod = try await client.create(pod)
        pod.value[path: ["status", "containerStatuses"]] = .array(
            names.map { name in
                [
                    "name": .string(name), "image": "busybox", "imageID": "", "ready": true, "restartCount": 0,
                    "state": states[name] ?? .emptyObject, "containerID": "containerd://one",
                ]
            })
        try await client.updateStatus(pod)
    }

    // MARK: Clients

    /// kubectl's connection, as an administrator.
    func kubectl() throws -> HTTPClient {
        let (certificate, key) = try authority.client("admin", groups: ["system:masters"])
        return HTTPClient(
            tls: try TLSClientIdentity(
                authoritiesPEM: authority.authority.pem, certificatePEM: certificate, keyPEM: key))
    }

    func request(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:]) -> HTTPClientRequest {
        HTTPClientRequest(method, HTTPOrigin(api, isSecure: true), path, headers: headers)
    }

    struct Answer: Hashable, Sendable {
        var status: Int
        var text: String

        init(_ status: Int, _ text: String) {
            self.status = status
            self.text = text
        }
    }

    /// What the node itself answers, its headers included.
    func askNode(
        _ path: String, _ method: HTTPMethod = .get, _ headers: HTTPHeaders = [:]
    ) async throws -> (status: Int, headers: HTTPHeaders, text: String) {
        let request = HTTPClientRequest(method, HTTPOrigin(node, isSecure: true), path, headers: headers)
        let response = try await kubectl().send(request)
        let body = try await response.body.collect(limit: 1 << 22)
        return (response.status.code, response.headers, String(decoding: body, as: UTF8.self))
    }

    /// The answer to a GET.
    func get(_ path: String) async throws -> Answer {
        let response = try await kubectl().send(request(.get, path))
        let body = try await response.body.collect(limit: 1 << 20)
        return Answer(response.status.code, String(decoding: body, as: UTF8.self))
    }

    /// The answer to a GET that fails, with the message of its `Status`.
    func failure(_ path: String) async throws -> Answer {
        let answer = try await get(path)
        return Answer(answer.status, try Value(json: answer.text)["message"]?.string ?? answer.text)
    }

    /// A connection in SPDY.
    func spdy(_ path: String, _ version: String) async throws -> any ByteStream {
        let headers: HTTPHeaders = ["Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": version]
        switch try await kubectl().upgrade(request(.post, path, headers: headers)) {
        case .upgraded(let headers, let stream):
            #expect(headers["X-Stream-Protocol-Version"] == version)
            return stream
        case .refused(let response): throw Refused(response)
        }
    }

    /// A WebSocket of that subprotocol.
    func webSocket(_ path: String, _ subprotocol: String) async throws -> WebSocket {
        let key = WebSocketHandshake.makeKey()
        let headers: HTTPHeaders = [
            "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Protocol": subprotocol,
        ]
        switch try await kubectl().upgrade(request(.get, path, headers: headers)) {
        case .upgraded(let headers, let stream):
            #expect(headers["Sec-WebSocket-Accept"] == WebSocketHandshake.accept(key: key))
            #expect(headers["Sec-WebSocket-Protocol"] == subprotocol)
            return WebSocket(stream, role: .client)
        case .refused(let response): throw Refused(response)
        }
    }

    struct Refused: Error {
        var response: HTTPClientResponse
        init(_ response: HTTPClientResponse) { self.response = response }
    }
}

/// The folders of a node, which go with this object.
final class NodeFolder: Sendable {
    let path = "/tmp/k3s-node-\(UInt64.random(in: 0...UInt64.max))"

    init() throws { try Files.makeDirectory(layout.systemLogs) }

    deinit { try? Files.remove(path) }

    var layout: KubeletLayout { KubeletLayout(root: path + "/kubelet", systemLogs: path + "/log") }

    /// Writes a file of the system's logs.
    func write(_ text: String, _ name: String, mode: FileMode = 0o644) throws {
        let file = Path.join(layout.systemLogs, name)
        try Files.makeDirectory(Path.parent(of: file))
        try Files.write(text, to: file, mode: mode)
    }
}

/// The pods as the API has them.
struct APIPods: PodDirectory {
    let set: any ObjectSet

    func pods() -> [Pod] { set.list(namespace: nil).map { Pod($0) } }
    func pod(namespace: String, name: String) -> Pod? {
        set.get(Pod.self, ObjectName(namespace: namespace, name: name))
    }
}

/// Signs certificates for a test.
struct TestAuthority: Sendable {
    let authority: CertificateAuthority
    private static let start = Timestamp.now + .seconds(-60)
    private static let end = Timestamp.now + .seconds(3600)

    init() throws {
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "test-ca"), keyUsage: [.certificateSigning, .digitalSignature],
            isAuthority: true, notBefore: Self.start, notAfter: Self.end)
        authority = try CertificateAuthority(selfSigned: template, key: PrivateKey.generateP256())
    }

    func client(_ name: String, groups: [String]) throws -> (certificate: [UInt8], key: [UInt8]) {
        let key = try PrivateKey.generateP256()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: name, organizations: groups), extendedKeyUsages: [.clientAuth],
            notBefore: Self.start, notAfter: Self.end)
        return (try authority.issue(template, for: key.publicKey).pem, try key.pem)
    }

    func server() throws -> TLSIdentity {
        let key = try PrivateKey.generateP256()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "server"),
            subjectAlternativeNames: [SubjectAlternativeName("127.0.0.1")], extendedKeyUsages: [.serverAuth],
            notBefore: Self.start, notAfter: Self.end)
        return try TLSIdentity(
            certificatePEM: try authority.issue(template, for: key.publicKey).pem, keyPEM: try key.pem)
    }
}

extension HTTPAddress {
    var port: Int { if case .tcp(_, let port) = self { port } else { 0 } }
}
