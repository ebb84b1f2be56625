import APIMachinery
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct NodePagesTests {
    private static let pages = NodePages(
        version: "v1.36.3+k3s1", flags: ["max-pods": "7", "cluster-domain": "cluster.local"],
        start: Timestamp(seconds: 784_111_777), startSinceBoot: Timestamp(seconds: 100))
    private static let warning = """
        Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for \
        debugging purposes only.

        """

    @Test func `people read text`() {
        let status = NodePages.text(Self.pages.status(at: Timestamp(seconds: 100 + 3 * 3600 + 62)))
        #expect(
            status == "\nkubelet statusz\n\(Self.warning)" + """

                Started: Sun Nov  6 08:49:37 UTC 1994
                Up: 3 hr 01 min 02 sec
                Binary version: 1.36.3+k3s1
                Emulation version: 1.36
                Paths: /configz /flagz /healthz /metrics /pods /stats /statusz

                """)
        let flags = NodePages.text(Self.pages.flagList)
        #expect(flags == "\nkubelet flagz\n\(Self.warning)cluster-domain=cluster.local\nmax-pods=7\n")
    }

    @Test func `programs read objects`() {
        let status = NodePages.object(Self.pages.status(at: Timestamp(seconds: 95)), version: "v1beta1")
        #expect(status["apiVersion"] == "config.k8s.io/v1beta1" && status["kind"] == "Statusz")
        #expect(status["uptimeSeconds"]?.integer == 0, "a clock that went back tells of no time")
        #expect(status["startTime"] == "1994-11-06T08:49:37Z" && status.at("metadata", "name") == "kubelet")
        let flags = NodePages.object(Self.pages.flagList, version: "v1alpha1")
        #expect(flags["apiVersion"] == "config.k8s.io/v1alpha1" && flags.at("flags", "max-pods") == "7")
    }

    @Test(arguments: [
        (nil, .text), (" ", .text), ("text/plain", .text), ("application/json, */*", .text), ("application/json", nil),
        ("application/json;v=v1beta1;g=config.k8s.io;as=Statusz", .json("v1beta1")),
        ("application/yaml; v=v1alpha1; g=config.k8s.io; as=Statusz", .yaml("v1alpha1")),
        ("application/json;v=v1beta1;g=config.k8s.io;as=Flagz", nil), ("application/json;v=v1;g=config.k8s.io;as=Statusz", nil),
        ("application/vnd.kubernetes.protobuf;v=v1beta1;g=config.k8s.io;as=Statusz", nil),
        ("application/json;v=v2;g=config.k8s.io;as=Statusz, text/plain", .text),
    ] as [(String?, NodePages.Form?)])
    func `the form is the one that is accepted`(accept: String?, form: NodePages.Form?) {
        #expect(NodePages.form(accept: accept, kind: "Statusz") == form)
    }

    @Test func `the node answers with them`() async throws {
        try await ConnectedCluster.run { cluster in
            let status = try await cluster.askNode("/statusz")
            #expect(status.status == 200 && status.text.hasPrefix("\nkubelet statusz\n"))
            let accept: HTTPHeaders = ["Accept": "application/json;v=v1beta1;g=config.k8s.io;as=Flagz"]
            let flags = try await cluster.askNode("/flagz", .get, accept)
            #expect(flags.headers["Content-Type"] == "application/json")
            #expect(try Value(json: flags.text).at("flags", "max-pods") == "7")
            #expect(try await cluster.askNode("/statusz", .get, accept).status == 406)
        }
    }
}
