import API
import APIMachinery
import APIServer
import Client
import PKI
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct ConnectionsTests {
    private static let pod = "/api/v1/namespaces/default/pods/web"

    // MARK: Logs

    @Test func `a log comes through both servers`() async throws {
        try await ConnectedCluster.run { cluster in
            for number in 0..<5 { cluster.log.write("line \(number)") }
            let answers = [
                ("", "line 0\nline 1\nline 2\nline 3\nline 4\n"),
                ("?tailLines=1&timestamps=true", "2026-01-02T03:04:05.000000001Z line 4\n"),
                ("?limitBytes=9&container=c", "line 0\nli"),
            ]
            for (query, text) in answers {
                let answer = try await cluster.get(Self.pod + "/log" + query)
                #expect(answer == .init(200, text))
            }
        }
    }

    @Test func `a followed log ends with its container`() async throws {
        try await ConnectedCluster.run { cluster in
            let request = cluster.request(.get, Self.pod + "/log?follow=true")
            let response = try await cluster.kubectl().send(request)
            #expect(response.status == .ok, "the head comes before there is anything to read")
            var chunks = response.body.makeAsyncIterator()
            cluster.log.write("one")
            #expect(try await chunks.next() == Array("one\n".utf8))
            cluster.log.write("two")
            #expect(try await chunks.next() == Array("two\n".utf8))
            cluster.runtime.end("one")
            #expect(try await chunks.next() == nil)
        }
    }

    @Test func `a log that cannot be had is explained`() async throws {
        try await ConnectedCluster.run { cluster in
            let pods = "/api/v1/namespaces/default/pods"
            let failures = [
                (
                    "/two/log", 400, "a container name must be specified for pod two, choose one of: [a b]"
                ),
                ("/web/log?container=x", 400, "container x is not valid for pod web"),
                ("/new/log", 400, "container \"c\" in pod \"new\" is waiting to start: ContainerCreating"),
                ("/web/log?previous=true", 400, "previous terminated container \"c\" in pod \"web\" not found"),
                ("/lost/log", 404, "nodes \"gone\" not found"), ("/none/log", 404, "pods \"none\" not found"),
            ]
            for (path, status, message) in failures {
                let answer = try await cluster.failure(pods + path)
                #expect(answer == .init(status, message), "\(path)")
            }
        }
    }

    @Test func `a log comes in the messages of a WebSocket`() async throws {
        try await ConnectedCluster.run { cluster in
            cluster.log.write("one")
            let webSocket = try await cluster.webSocket(Self.pod + "/log", WebSocketSubprotocol.binary)
            #expect(try await webSocket.receive() == .binary(Array("one\n".utf8)))
            #expect(try await webSocket.receive() == nil)
            await webSocket.close()
        }
    }

    // MARK: Commands

    private static let wanted = RemoteCommandStreams.Wanted(stdin: true, stdout: true, stderr: true)
    private static let exec = pod + "/exec?stdin=true&stdout=true&stderr=true&command=rev&command=a%20b"

    @Sendable private static func converse(_ streams: RemoteCommandStreams) async throws -> [UInt8] {
        #expect(try await streams.stderr?.read() == Array("ready".utf8))
        try await streams.stdin?.write(Array("abc!".utf8))
        try await streams.stdin?.closeWrite()
        #expect(try await streams.stdout?.read() == Array("!cba".utf8))
        var status: [UInt8] = []
        while let bytes = try await streams.error.read() { status += bytes }
        return status
    }

    @Test func `a command runs over SPDY`() async throws {
        try await ConnectedCluster.run { cluster in
            let stream = try await cluster.spdy(Self.exec, WebSocketSubprotocol.channelV4)
            let status = try await SPDYSession.run(over: stream, role: .client) { session in
                try await Self.converse(try await RemoteCommandStreams.open(over: session, Self.wanted))
            }
            #expect(try Value(json: status)["status"] == "Success")
            #expect(cluster.runtime.commands == [["rev", "a b"]])
        }
    }

    @Test(arguments: [
        WebSocketSubprotocol.channelV5, WebSocketSubprotocol.channelV4, WebSocketSubprotocol.base64ChannelV4,
        WebSocketSubprotocol.channel,
    ])
    func `a command runs over a WebSocket`(subprotocol: String) async throws {
        try await ConnectedCluster.run { cluster in
            let webSocket = try await cluster.webSocket(Self.exec, subprotocol)
            let format = try #require(ChannelFormat(subprotocol: subprotocol))
            let status = try await RemoteCommandStreams.connect(
                over: webSocket, format: format, Self.wanted, body: Self.converse)
            if subprotocol == WebSocketSubprotocol.channel {
                #expect(status.isEmpty)
            } else {
                #expect(try Value(json: status)["status"] == "Success")
            }
        }
    }

    @Test func `attaching runs over SPDY and over a WebSocket`() async throws {
        try await ConnectedCluster.run { cluster in
            let path = Self.pod + "/attach?container=c&stdin=true&stdout=true&stderr=true"
            let stream = try await cluster.spdy(path, WebSocketSubprotocol.channelV4)
            _ = try await SPDYSession.run(over: stream, role: .client) { session in
                try await Self.converse(try await RemoteCommandStreams.open(over: session, Self.wanted))
            }
            let webSocket = try await cluster.webSocket(path, WebSocketSubprotocol.channelV5)
            _ = try await RemoteCommandStreams.connect(
                over: webSocket, format: ChannelFormat(hasCloseSignal: true), Self.wanted, body: Self.converse)
        }
    }

    @Test func `a command that cannot run says why`() async throws {
        try await ConnectedCluster.run { cluster in
            let path = "/api/v1/namespaces/default/pods/new/exec?stdout=true&command=true"
            let webSocket = try await cluster.webSocket(path, WebSocketSubprotocol.channelV5)
            let status = try await RemoteCommandStreams.connect(
                over: webSocket, format: ChannelFormat(hasCloseSignal: true), .init(stdout: true)
            ) { streams in try await streams.error.read() ?? [] }
            #expect(
                try Value(json: status)["message"]
                    == "Internal error occurred: unable to upgrade connection: container not found (\"c\")")

            let error = await #expect(throws: ConnectedCluster.Refused.self) {
                _ = try await cluster.spdy(path, WebSocketSubprotocol.channelV4)
            }
            let response = try #require(error?.response)
            #expect(response.status == .internalServerError)
            #expect(try await response.body.collect(limit: 1000) == Array("container not found (\"c\")".utf8))
        }
    }

    @Test func `a client that leaves ends the connection to the runtime`() async throws {
        try await ConnectedCluster.run { cluster in
            // The cluster can only stop in time when nothing waits for input any more.
            let webSocket = try await cluster.webSocket(Self.exec, WebSocketSubprotocol.channelV5)
            _ = try await webSocket.receive()
            await webSocket.close()
            let stream = try await cluster.spdy(Self.exec, WebSocketSubprotocol.channelV4)
            await stream.close()
        }
    }

    // MARK: Ports

    @Sendable private static func forward(_ session: SPDYSession) async throws {
        for (request, port) in [80, 443].enumerated() {
            let connection = try await session.forward(port: UInt16(port), request: request)
            try await connection.data.write(Array("abc".utf8))
            try await connection.data.closeWrite()
            var answer: [UInt8] = []
            while let bytes = try await connection.data.read() { answer += bytes }
            #expect(String(decoding: answer, as: UTF8.self) == "\(port):cba")
            #expect(try await connection.error.read() == nil)
        }
    }

    @Test func `ports are forwarded over SPDY`() async throws {
        try await ConnectedCluster.run { cluster in
            let stream = try await cluster.spdy(Self.pod + "/portforward", "portforward.k8s.io")
            try await SPDYSession.run(over: stream, role: .client, body: Self.forward)
        }
    }

    @Test func `ports are forwarded over SPDY in a WebSocket`() async throws {
        try await ConnectedCluster.run { cluster in
            let webSocket = try await cluster.webSocket(
                Self.pod + "/portforward", WebSocketSubprotocol.tunneledPortForward)
            try await SPDYSession.run(over: WebSocketByteStream(webSocket), role: .client, body: Self.forward)
        }
    }

    // MARK: The node itself

    @Test func `the node answers through the proxy`() async throws {
        try await ConnectedCluster.run { cluster in
            let proxy = "/api/v1/nodes/node/proxy"
            #expect(try await cluster.get(proxy + "/healthz") == .init(200, "ok"))
            let pods = try await cluster.get(proxy + "/pods").text
            #expect(try Value(json: pods)["items"]?.array?.count == 4)
            let metrics = try await cluster.get(proxy + "/metrics").text
            #expect(metrics.contains("kubelet_running_containers{container_state=\"running\"} 4\n"))
            let summary = try await cluster.get(proxy + "/stats/summary").text
            #expect(try Value(json: summary).at("node", "nodeName") == "node")
            #expect(try await cluster.get("/api/v1/nodes/node:\(cluster.node.port)/proxy/healthz").status == 200)
            #expect(try await cluster.get(proxy + "/configz") == .init(200, "{\"kubeletconfig\":{}}"))
            #expect(try await cluster.get(proxy + "/debug/pprof/").status == 501)
            #expect(try await cluster.get(proxy + "/nonsense").status == 404)
        }
    }

    @Test func `the node lets in only whom the API server allows`() async throws {
        try await ConnectedCluster.run { cluster in
            func status(_ headers: HTTPHeaders = [:], as user: String? = nil, groups: [String] = []) async throws -> Int {
                let pair = try user.map { try cluster.authority.client($0, groups: groups) }
                let tls = try TLSClientIdentity(
                    authoritiesPEM: cluster.authority.authority.pem, certificatePEM: pair?.certificate, keyPEM: pair?.key)
                let origin = HTTPOrigin(cluster.node, isSecure: true)
                return try await HTTPClient(tls: tls).send(
                    HTTPClientRequest(.get, origin, "/healthz", headers: headers)
                ).status.code
            }
            #expect(try await status() == 401)
            #expect(try await status(as: "somebody") == 403)
            #expect(try await status(as: "root", groups: ["system:masters"]) == 200)
            #expect(try await status(["Authorization": "Bearer nonsense"]) == 401)

            let account = Target(.serviceAccounts, namespace: "default", name: "default", subresource: "token")
            let answer = try await cluster.server.client().create(
                account, ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": [:]], WriteOptions())
            let token = try #require(answer.value.at("status", "token")?.string)
            #expect(try await status(["Authorization": "Bearer \(token)"]) == 403)
        }
    }
}
