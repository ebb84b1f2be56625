import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct NetworkFileSystemTests {
    @Test(arguments: [
        ("fs.example", "fs.example:/data"), ("10.0.0.1", "10.0.0.1:/data"), ("fd00::1", "[fd00::1]:/data"),
        ("[fd00::1]", "[fd00::1]:/data"),
    ])
    func `a server is named as mount wants it`(server: String, source: String) {
        #expect(NetworkFileSystem(name: "v", server: server, path: "/data").source == source)
    }

    @Test func `options of the volume are passed on, after read-only`() {
        let share = NetworkFileSystem(
            name: "v", server: "s", path: "/", options: ["nfsvers=4.1", "hard"], isReadOnly: true)
        #expect(share.flags == ["ro", "nfsvers=4.1", "hard"])
    }

    @Test func `a host without the program says so`() async throws {
        let folder = "/tmp/kubelet-nfs-\(UInt32.random(in: 0...UInt32.max))"
        let share = NetworkFileSystem(name: "v", server: "s", path: "/")
        let fault = await #expect(throws: Fault.self) { try await share.mount(at: folder, programs: [folder + "/none"]) }
        #expect(fault?.code == .unsupported && fault?.summary.contains("no program mount.nfs") == true)
        #expect(!Files.exists(folder))
    }

    @Test func `a claim on another machine's folder is what it says`() throws {
        let claim = PersistentVolumeClaim(
            try YAML.document("{metadata: {name: data, namespace: default, uid: c-1}, status: {phase: Bound}}"))
        let volume = PersistentVolume(
            try YAML.document(
                """
                metadata: {name: pv}
                spec: {claimRef: {uid: c-1}, mountOptions: [hard], nfs: {server: s, path: /x, readOnly: true}}
                """))
        let share = NetworkFileSystem(name: "pv", server: "s", path: "/x", options: ["hard"], isReadOnly: true)
        #expect(try ClaimedVolume(claim, volume, nodeName: "n", nodeLabels: [:]) == .network(share))
    }
}
