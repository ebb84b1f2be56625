import Support
import Testing

@testable import Supervisor

@Suite struct RuntimeConfigurationTests {
    private static func server(_ arguments: String...) throws -> ServerConfiguration {
        try ServerConfiguration(OptionValues(arguments, options: Option.server))
    }

    @Test func `containerd is started unless somebody names another runtime`() throws {
        let usual = try Self.server()
        #expect(usual.node.runtime.endpoint == nil && usual.node.runtime.imageEndpoint == nil && usual.runsAgent)
        for text in ["unix:///run/crio/crio.sock", "/run/crio/crio.sock"] {
            let server = try Self.server("--container-runtime-endpoint", text, "--image-service-endpoint=unix:///i.sock")
            #expect(server.node.runtime.endpoint == "/run/crio/crio.sock" && server.runsAgent)
            #expect(server.node.runtime.imageEndpoint == "/i.sock")
        }
        #expect(try Self.server("--default-runtime=crun").node.runtime.defaultRuntime == "crun")
    }

    @Test func `Docker runs the containers when it is asked for`() throws {
        #expect(try Self.server().node.runtime.docker == nil && Self.server("--docker=false").node.runtime.docker == nil)
        let usual = try Self.server("--docker").node.runtime
        #expect(usual.docker == "/var/run/docker.sock" && usual.endpoint == nil)
        let elsewhere = try Self.server("--docker", "--container-runtime-endpoint=unix:///run/d.sock").node.runtime
        #expect(elsewhere.docker == "/run/d.sock" && elsewhere.endpoint == nil)
        let none = try Self.server("--docker", "--container-runtime-endpoint=/dev/null")
        #expect(!none.runsAgent && none.node.runtime.docker == nil)
    }

    @Test func `no runtime on purpose is a server without a node`() throws {
        let server = try Self.server("--container-runtime-endpoint=/dev/null")
        #expect(!server.runsAgent && server.node.runtime.endpoint == nil)
    }

    @Test(arguments: [
        ["--container-runtime-endpoint=tcp://1.2.3.4:5"], ["--container-runtime-endpoint=crio.sock"],
        ["--image-service-endpoint=unix://"], ["--container-runtime-endpoint=/s", "--default-runtime=crun"],
        ["--docker", "--default-runtime=crun"],
    ])
    func `what cannot be a runtime is refused`(arguments: [String]) {
        #expect(throws: Fault.self) { try ServerConfiguration(OptionValues(arguments, options: Option.server)) }
    }
}
