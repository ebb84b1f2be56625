import APIMachinery
import Support
import Testing

@testable import Runtime

@Suite struct DockerImageTests {
    @Test func `an image is told under its full names`() throws {
        let image = try #require(
            DockerImage.image([
                "Id": "sha256:1", "RepoTags": ["nginx:1", "<none>:<none>"], "RepoDigests": ["<none>@<none>"], "Size": 9,
                "Config": ["User": "101:5"],
            ]))
        #expect(image.id == "sha256:1" && image.repoTags == ["docker.io/library/nginx:1"] && image.repoDigests.isEmpty)
        #expect(image.size == 9 && image.uid == 101 && image.username == "")
        #expect(DockerImage.image(["Id": "sha256:1", "RepoTags": .null])?.repoTags == [])
    }

    @Test(arguments: [("", Int64?.none, ""), ("0", 0, ""), ("app", nil, "app"), ("app:7", nil, "app"), ("7:app", 7, "")])
    func `users of an image`(text: String, uid: Int64?, name: String) {
        let user = DockerImage.user(text)
        #expect(user.uid == uid && user.name == name)
    }

    @Test func `names that Docker understands`() {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(DockerImage.name("nginx") == "docker.io/library/nginx:latest")
        #expect(DockerImage.name("nginx:1@" + digest) == "docker.io/library/nginx@" + digest)
        #expect(DockerImage.name(digest) == digest)
        #expect(DockerImage.name("docker://" + digest) == digest)
        #expect(DockerImage.name("docker-pullable://nginx@" + digest) == "docker.io/library/nginx@" + digest)
    }

    @Test func `the files of an image are in the folders of its layers`() throws {
        func image(_ driver: String, _ folders: Fields) -> Value {
            ["GraphDriver": ["Name": .string(driver), "Data": .object(folders)]]
        }
        let one = image("overlay2", ["UpperDir": "/d/overlay2/c/diff"])
        #expect(try DockerImageFiles(one).layers == ["/d/overlay2/c/diff"])
        let three = image("overlay2", ["UpperDir": "/c", "LowerDir": "/b:/a"])
        #expect(try DockerImageFiles(three).layers == ["/c", "/b", "/a"])
        #expect(try DockerImageFiles.options(["/c", "/b", "/a"]) == "lowerdir=/c:/b:/a")
        for other in [image("btrfs", [:]), image("overlay2", [:]), [:]] {
            let fault = #expect(throws: Fault.self) { _ = try DockerImageFiles(other) }
            #expect(fault?.code == .unsupported)
        }
        let long = [String](repeating: "/" + String(repeating: "a", count: 99), count: 50)
        #expect(throws: Fault.self) { _ = try DockerImageFiles.options(long) }
        #expect(throws: Never.self) { _ = try DockerImageFiles.options(Array(long.prefix(40))) }
    }

    @Test func `who pulls says who it is`() throws {
        var auth = CRI.AuthConfig()
        (auth.username, auth.password) = ("a", "p")
        #expect(DockerImage.authentication(auth) == Base64.encode(Array(#"{"password":"p","username":"a"}"#.utf8)))
        var packed = CRI.AuthConfig()
        packed.auth = Base64.encode(Array("a:p:q".utf8))
        #expect(
            DockerImage.authentication(packed) == Base64.encode(Array(#"{"password":"p:q","username":"a"}"#.utf8)))
        auth.password = "\u{3ff}\u{3ff}\u{3ff}>>>???"
        let header = DockerImage.authentication(auth)
        #expect(!header.contains("+") && !header.contains("/"))
    }

    @Test func `a pull fails in the middle of its answer`() {
        var (lines, progress) = (DockerLines(), DockerProgress())
        let text = #"{"status":"Pulling fs layer","id":"ab"}"# + "\r\n" + #"{"errorDetail":{"message":"no "#
        for value in lines.take(Array(text.utf8)) { progress.note(value) }
        #expect(progress.last == "ab: Pulling fs layer" && progress.failure == nil)
        for value in lines.take(Array((#"space"},"error":"no space"}"# + "\n").utf8)) { progress.note(value) }
        #expect(progress.failure == "no space")
    }
}

@Suite struct DockerStreamTests {
    @Test(arguments: [
        ("create", ContainerEvent.Kind.created), ("start", .started), ("die", .exited), ("oom", .outOfMemory),
        ("destroy", .deleted),
    ])
    func `events of containers`(action: String, kind: ContainerEvent.Kind) {
        let event: Value = ["Type": "container", "Action": .string(action), "Actor": ["ID": "c"]]
        #expect(DockerEvent.read(event) == ContainerEvent(kind, "c"))
        #expect(DockerEvent.read(["Type": "image", "Action": .string(action), "Actor": ["ID": "c"]]) == nil)
        #expect(DockerFilter.events.json.contains("\"\(action)\""))
    }

    @Test func `lines come in any pieces, and what is no JSON is passed over`() {
        let bytes = Array("{\"a\":1}\nnonsense\n\n{\"a\":2}\n{\"a\":3}".utf8)
        for size in 1...bytes.count {
            var (lines, values) = (DockerLines(), [Value]())
            for start in stride(from: 0, to: bytes.count, by: size) {
                values += lines.take(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(values == [["a": 1], ["a": 2]], "in pieces of \(size)")
            let last = lines.finish()
            #expect(last == ["a": 3])
        }
    }

    @Test func `a line without an end is not kept`() {
        var lines = DockerLines()
        let long = lines.take([UInt8](repeating: 0x20, count: DockerLines.limit + 1))
        let next = lines.take(Array("{}\n{\"a\":1}\n".utf8))
        #expect(long.isEmpty && next == [["a": 1]])
    }

    @Test func `frames come in any pieces`() {
        let bytes: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 2, 65, 66, 2, 0, 0, 0, 0, 0, 0, 1, 67, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 68]
        for size in 1...bytes.count {
            var (frames, output, errors) = (DockerFrames(), [UInt8](), [UInt8]())
            for start in stride(from: 0, to: bytes.count, by: size) {
                for part in frames.take(Array(bytes[start..<min(start + size, bytes.count)])) {
                    if part.stream == .stdout { output += part.bytes } else { errors += part.bytes }
                }
            }
            #expect(output == [65, 66, 68] && errors == [67], "in pieces of \(size)")
        }
    }

    @Test func `what a container uses, by either version of control groups`() {
        let container = CRI.Container()
        let old: Value = [
            "read": "2026-01-02T03:04:05Z", "cpu_stats": ["cpu_usage": ["total_usage": 7]],
            "memory_stats": ["usage": 100, "limit": 200, "stats": ["total_inactive_file": 30, "total_rss": 40]],
        ]
        let stats = DockerStats.read(old, of: container, written: 5, root: "/var/lib/docker", now: 1)
        #expect(stats.cpu?.usageCoreNanoseconds == 7 && stats.cpu?.timestamp == 1_767_323_045_000_000_000)
        #expect(stats.memory?.workingSetBytes == 70 && stats.memory?.rssBytes == 40 && stats.memory?.availableBytes == 130)
        #expect(stats.writableLayer?.usedBytes == 5 && stats.writableLayer?.filesystem.mountpoint == "/var/lib/docker")
        let new: Value = ["memory_stats": ["usage": 100, "stats": ["inactive_file": 130, "anon": 4]]]
        let other = DockerStats.read(new, of: container, written: nil, root: "", now: 9)
        #expect(other.memory?.workingSetBytes == 0 && other.memory?.rssBytes == 4 && other.memory?.timestamp == 9)
        #expect(other.cpu == nil && other.writableLayer == nil)
    }
}
