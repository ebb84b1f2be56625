import API
import APIMachinery
import Support
import Testing
import Wire

@testable import Kubelet

@Suite struct ProbeActionTests {
    private func action(_ probe: String) throws -> ProbeAction {
        let container = Container(
            try YAML.document(
                """
                name: app
                ports: [{name: web, containerPort: 8080}]
                env: [{name: A, value: x}, {name: B, value: $(A)y}, {name: C, valueFrom: {fieldRef: {fieldPath: f}}}]
                """))
        return try ProbeAction(Probe(try YAML.document(probe)), in: container, podIP: "10.42.0.7")
    }

    @Test(arguments: [
        ("exec: {command: [test, $(B), $(C)]}", ProbeAction.exec(["test", "xy", "$(C)"])),
        ("tcpSocket: {port: web}", .tcp(host: "10.42.0.7", port: 8080)),
        ("tcpSocket: {port: '81', host: other}", .tcp(host: "other", port: 81)),
        ("grpc: {port: 9000}", .grpc(host: "10.42.0.7", port: 9000, service: "")),
        ("grpc: {port: 9000, service: s}", .grpc(host: "10.42.0.7", port: 9000, service: "s")),
    ])
    func `names and addresses are filled in`(probe: String, expected: ProbeAction) throws {
        #expect(try action(probe) == expected)
    }

    @Test(arguments: ["tcpSocket: {port: nobody}", "httpGet: {port: 0}", "tcpSocket: {port: 70000}", "{}"])
    func `what cannot be probed is refused`(probe: String) {
        #expect(throws: Fault.self) { try action(probe) }
    }

    private func http(_ probe: String) throws -> ContainerRequest {
        guard case .http(let probe) = try action("httpGet: \(probe)") else {
            throw Fault(.failed, "no httpGet")
        }
        return probe
    }

    @Test(arguments: [
        ("{port: web, path: /a?b=c}", "http://10.42.0.7:8080/a?b=c"),
        ("{port: 1, path: a}", "http://10.42.0.7:1/a"),
        ("{port: 1}", "http://10.42.0.7:1/"),
        ("{port: 1, host: 'fd00::1', scheme: HTTPS}", "https://[fd00::1]:1/"),
    ])
    func `the URL of a probe`(probe: String, expected: String) throws {
        #expect(try http(probe).url == expected)
    }

    @Test(
        arguments: [
            ("[]", "kube-probe/1.36", "*/*"), ("[{name: user-agent, value: me}]", "me", "*/*"),
            ("[{name: Accept, value: ''}]", "kube-probe/1.36", nil),
            ("[{name: User-Agent, value: ''}, {name: accept, value: text/html}]", nil, "text/html"),
        ] as [(String, String?, String?)])
    func `headers are those of every probe unless it has its own`(
        headers: String, agent: String?, accept: String?
    ) throws {
        let request = try http("{port: 1, httpHeaders: \(headers)}").request
        #expect(request.headers["User-Agent"] == agent)
        #expect(request.headers["Accept"] == accept)
    }

    @Test(
        arguments: [
            (302, "/next?x=1", "http://10.42.0.7:8080/next?x=1"),
            (301, "next", "http://10.42.0.7:8080/a/next"),
            (307, "http://10.42.0.7:9/x#part", "http://10.42.0.7:9/x"),
            (308, "//10.42.0.7/x", "http://10.42.0.7:80/x"),
            (302, "https://10.42.0.7/x", "https://10.42.0.7:443/x"), (302, "http://elsewhere/x", nil),
            (304, "/x", nil),
            (200, "/x", nil), (302, nil, nil), (302, "http://", nil),
        ] as [(Int, String?, String?)])
    func `redirects are followed on the same host only`(status: Int, location: String?, expected: String?)
        throws
    {
        let next = try http("{port: web, path: /a/b?q=1}").following(HTTPStatus(status), location: location)
        #expect(next?.url == expected)
    }

    @Test(arguments: [("", [UInt8]()), ("ab", [0x0A, 2, 97, 98])])
    func `the health protocol's question`(service: String, expected: [UInt8]) {
        #expect(GRPCHealth.request(service) == expected)
        #expect(GRPCHealth.request(String(repeating: "x", count: 300)).prefix(3) == [0x0A, 0xAC, 0x02])
    }

    @Test func `the health protocol's answer`() {
        #expect(GRPCHealth.status(in: [8, 1]) == GRPCHealth.serving)
        #expect(GRPCHealth.name(GRPCHealth.status(in: [8, 2])) == "NOT_SERVING")
        #expect(GRPCHealth.name(GRPCHealth.status(in: [])) == "UNKNOWN")
    }
}
