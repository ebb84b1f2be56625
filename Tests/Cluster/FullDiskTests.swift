import APIMachinery
import Host
import Support
import Testing

/// A disk that fills up under a running server: writes are refused, nothing is lost, and room is all that it takes.
@Suite struct FullDiskTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    /// Some of it belongs to the database's write-ahead log, so a few writes still find room on a full disk.
    private static let payload = Value.string(String(repeating: "x", count: 256 << 10))

    @Test func `a full disk refuses writes, keeps answering reads, and heals when there is room`() async throws {
        let folder = try TestServer.makeFolder()
        let disk = try await SmallDisk.mount(at: folder + "/data")
        defer { try? Files.remove(folder) }
        do {
            try await run(folder, disk)
        } catch {
            try? await disk.end()
            throw error
        }
        try await disk.end()
    }

    private func run(_ folder: String, _ disk: SmallDisk) async throws {
        let server = try await TestServer.start(in: folder, place: disk.holder)
        // The credentials lie on the small disk, which is not ours to see.
        let tls = folder + "/tls"
        try await disk.shell("cp -r '\(folder)/data/server/tls' '\(tls)'")
        let client = RawClient(server, tls: tls)
        var stored = ["kube-root-ca.crt"]
        try await create("before", client, &stored)
        try await disk.shell("cat /dev/zero >'\(folder)/data/filler' 2>/dev/null; true")

        var refusal: RawClient.Answer?
        for number in 0..<200 where refusal == nil {
            refusal = try await create("full-\(number)", client, &stored)
        }
        #expect(refusal?.code == 500)
        #expect(refusal?.reason == "InternalError")
        #expect(refusal?.message == "Internal error occurred: the disk that holds the cluster's state is full")
        #expect(try await names(client) == stored.sorted())
        #expect(try await client.get("/readyz").code == 200)
        // What is refused stays as it was.
        let change = RawClient.Request.patch(
            Self.maps + "/before", #"{"data":{"y":"z"}}"#, as: "application/merge-patch+json")
        #expect(try await client.send(change).code == 500)
        #expect(try await client.get(Self.maps + "/before").value.at("data", "y") == nil)
        #expect(try await client.send(.delete(Self.maps + "/before")).code == 500)

        try await disk.shell("rm '\(folder)/data/filler'")
        #expect(try await create("after", client, &stored) == nil)
        #expect(try await client.send(change).code == 200)
        _ = try await server.stop(.kill)
        let again = try await TestServer.start(in: folder, place: disk.holder)
        #expect(try await names(RawClient(again, tls: tls)) == stored.sorted())
        #expect(try await RawClient(again, tls: tls).get(Self.maps + "/before").value.at("data", "y") == "z")
        _ = try await again.stop(.terminate)
    }

    /// Returns the refusal, if there is one.
    @discardableResult
    private func create(
        _ name: String, _ client: RawClient, _ stored: inout [String]
    ) async throws -> RawClient.Answer? {
        let object: Value = ["metadata": ["name": .string(name)], "data": ["x": Self.payload]]
        let answer = try await client.send(.post(Self.maps, object))
        guard answer.code == 201 else { return answer }
        stored.append(name)
        return nil
    }

    private func names(_ client: RawClient) async throws -> [String] {
        let items = try await client.get(Self.maps).value["items"]?.array ?? []
        return items.compactMap { $0.at("metadata", "name")?.string }
    }
}

/// A few megabytes of memory as a file system, which only those see who are in the mount namespace of its holder.
private struct SmallDisk: Sendable {
    let holder: ChildProcess

    static func mount(at path: String) async throws -> SmallDisk {
        let ready = path + ".ready"
        let script = """
            mkdir -p '\(path)' && mount -t tmpfs -o size=24m tmpfs '\(path)' && touch '\(ready)' && exec sleep 1000
            """
        var command = Command("/usr/bin/unshare", ["--mount", "sh", "-c", script])
        command.parentDeathSignal = .kill
        let disk = SmallDisk(holder: try await command.start())
        try await eventually("the small disk is mounted") { Files.exists(ready) }
        return disk
    }

    func shell(_ script: String) async throws {
        let words = ["-t", "\(holder.pid)", "-m", "sh", "-c", script]
        let outcome = try await Command("/usr/bin/nsenter", words).run()
        guard outcome.status.isSuccess else { throw Unready(outcome.errorText) }
    }

    func end() async throws {
        try holder.send(.kill)
        _ = try await holder.wait()
    }
}
