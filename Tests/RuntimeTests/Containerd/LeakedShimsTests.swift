import Host
import Testing

@testable import Runtime

@Suite struct LeakedShimsTests {
    private func container(_ line: String) -> String? {
        LeakedShims.container(of: line.split(separator: " ").map(String.init), socket: "/run/k3s/c.sock")
    }

    @Test func `a shim is known by its containerd's socket, and by the namespace of pods`() {
        let shim = "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id 0a1b -address /run/k3s/c.sock"
        #expect(container(shim) == "0a1b")
        #expect(container("/opt/containerd-shim-kata-v2 -address /run/k3s/c.sock -id 2c -namespace k8s.io") == "2c")
        for other in [
            "", "sleep 1000", shim + " start", shim + " delete", shim + "x", shim.replacing("k8s.io", with: "moby"),
            shim.replacing("containerd-shim", with: "sleep"), shim.replacing(" -id 0a1b", with: ""),
            shim.replacing("0a1b", with: "../up"), shim.replacing("0a1b", with: ".."), "containerd-shim -namespace",
        ] {
            #expect(container(other) == nil, "\(other)")
        }
    }

    @Test func `what was half removed goes, and nothing else`() throws {
        let folder = "/tmp/k3s-bundles-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(folder) }
        let layout = ContainerdLayout(dataDirectory: folder + "/data", runDirectory: folder + "/run")
        let shims = LeakedShims(layout: layout)
        try shims.clearHalfRemoved()
        for place in [layout.state, layout.root] {
            let bundles = place + "/io.containerd.runtime.v2.task/k8s.io"
            for name in [".0a1b", "0a1b"] { try Files.makeDirectory("\(bundles)/\(name)/rootfs") }
        }
        try shims.clearHalfRemoved()
        for place in [layout.state, layout.root] {
            #expect(try Files.list(place + "/io.containerd.runtime.v2.task/k8s.io") == ["0a1b"])
        }
    }

    @Test func `its socket is named by a digest of whose it is`() {
        let id = "70702944207795de44d1322ed3219941798969085cfeddcdf323139cc664bd45"
        let path = LeakedShims.socket(of: id, containerd: "/run/k3s/containerd/containerd.sock")
        #expect(path == "/run/containerd/s/42fa114ae3404dc3477b21604eedd38f0efa365a5ae2b23b6aa9cecff2045009")
    }
}
