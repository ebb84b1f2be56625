import APIMachinery
import Host
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

@Suite struct SystemLogRulesTests {
    // MARK: Files

    private static let changed = Timestamp(seconds: 784_111_777, nanoseconds: 5)
    private static let (before, at) = ("Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT")

    private static func range(_ start: Int64, _ length: Int64) -> ByteRange { ByteRange(start: start, length: length) }

    @Test func `the answer for a file is that of Go`() {
        let cases: [(HTTPHeaders, FileAnswer)] = [
            ([:], .whole), (["Range": ""], .whole),
            (["If-Modified-Since": Self.at], .notModified), (["If-Modified-Since": Self.before], .whole),
            (["If-Modified-Since": "yesterday"], .whole), (["If-Unmodified-Since": Self.before], .preconditionFailed),
            (["If-Unmodified-Since": Self.at], .whole), (["If-None-Match": "*"], .notModified),
            (["If-None-Match": "\"a\"", "If-Modified-Since": Self.at], .whole), (["If-Match": "*"], .whole),
            (["If-Match": "\"a\", *"], .whole), (["If-Match": "\"a\""], .preconditionFailed),
            (["Range": "bytes=0-9"], .part(Self.range(0, 10))), (["Range": "bytes=90-"], .part(Self.range(90, 10))),
            (["Range": "bytes=-5"], .part(Self.range(95, 5))), (["Range": "bytes=-500"], .part(Self.range(0, 100))),
            (["Range": "bytes=95-9999999999"], .part(Self.range(95, 5))),
            (["Range": "bytes= 1 - 2 , ,4-4"], .parts([Self.range(1, 2), Self.range(4, 1)])),
            (["Range": "bytes=0-0,200-"], .part(Self.range(0, 1))), (["Range": "bytes=0-80,10-90"], .whole),
            (["Range": "bytes=100-"], .unsatisfiable("invalid range: failed to overlap", tellsSize: true)),
            (["Range": "bytes=5-4"], .unsatisfiable("invalid range", tellsSize: false)),
            (["Range": "bytes=a-"], .unsatisfiable("invalid range", tellsSize: false)),
            (["Range": "bytes=-"], .unsatisfiable("invalid range", tellsSize: false)),
            (["Range": "bytes=--5"], .unsatisfiable("invalid range", tellsSize: false)),
            (["Range": "lines=1-2"], .unsatisfiable("invalid range", tellsSize: false)),
            (["Range": "bytes=0-9", "If-Range": Self.at], .part(Self.range(0, 10))),
            (["Range": "bytes=0-9", "If-Range": Self.before], .whole),
            (["Range": "bytes=0-9", "If-Range": "\"a\""], .whole),
        ]
        for (headers, answer) in cases {
            #expect(FileAnswer(headers, modified: Self.changed, size: 100) == answer, "\(headers)")
        }
        #expect(FileAnswer(["Range": "bytes=0-"], modified: Self.changed, size: 0) == .whole)
        let unknown = Timestamp(seconds: 0)
        #expect(FileAnswer(["If-Modified-Since": Self.at], modified: unknown, size: 1) == .whole)
        #expect(Self.range(5, 10).header(size: 100) == "bytes 5-14/100")
    }

    @Test(arguments: [
        ("a.json", "", "application/json"), ("a.HTML", "", "text/html; charset=utf-8"),
        ("syslog", "Nov  6 node: text", "text/plain; charset=utf-8"), ("syslog.1", "", "text/plain; charset=utf-8"),
        ("dpkg.log", "\u{1}", "application/octet-stream"), ("x", " \n<html >", "text/html; charset=utf-8"),
        ("x", "<bold>", "text/plain; charset=utf-8"), ("x", "<?xml version", "text/xml; charset=utf-8"),
        ("x", "%PDF-1.7", "application/pdf"), ("x", "\u{1b}[0m colours", "text/plain; charset=utf-8"),
    ])
    func `a kind is told by the name, or by the beginning`(name: String, text: String, type: String) {
        #expect(ContentType.of(name, beginning: Array(text.utf8)) == type)
    }

    @Test func `packed files are told from texts`() {
        #expect(ContentType.of("syslog.2.gz", beginning: [0x1F, 0x8B, 0x08, 0]) == "application/x-gzip")
        #expect(ContentType.of("wtmp", beginning: [2, 0, 0]) == "application/octet-stream")
    }

    @Test func `a folder is a page of links`() {
        let page = FolderPage.html(["a b?.log", "pods/", "x:y", "<&\"'"])
        #expect(
            page == """
                <!doctype html>
                <meta name="viewport" content="width=device-width">
                <pre>
                <a href="a%20b%3F.log">a b?.log</a>
                <a href="pods/">pods/</a>
                <a href="./x:y">x:y</a>
                <a href="%3C&%22%27">&lt;&amp;&#34;&#39;</a>
                </pre>

                """)
    }

    @Test func `nothing leads out of the folder, and links within it are followed`() throws {
        let folder = try NodeFolder()
        let (root, logs) = (folder.path, SystemLogFolder(root: folder.layout.systemLogs))
        try folder.write("in", "pods/web/0.log")
        try Files.write("out", to: root + "/secret")
        try Files.makeSymbolicLink(at: logs.root + "/absolute", to: logs.root + "/pods/web/0.log")
        try Files.makeSymbolicLink(at: logs.root + "/relative", to: "pods/web")
        try Files.makeSymbolicLink(at: logs.root + "/away", to: root + "/secret")
        try Files.makeSymbolicLink(at: logs.root + "/up", to: "..")
        for path in ["/pods/web/0.log", "/absolute", "/relative/0.log", "/../../pods/./web/0.log"] {
            let file = try logs.entry(path).open()
            #expect(try file.read(at: 0, upTo: 10) == Array("in".utf8), "\(path)")
        }
        let refused: [(String, Fault.Code)] = [
            ("/away", .denied), ("/up/secret", .denied), ("/up", .denied), ("/none", .notFound),
            ("/../secret", .notFound), ("/absolute\0", .invalid),
        ]
        for (path, code) in refused {
            let fault = #expect(throws: Fault.self) { _ = try logs.entry(path) }
            #expect(fault?.code == code, "\(path)")
        }
        #expect(try logs.entry("/").names() == ["absolute", "away", "pods/", "relative", "up"])
    }

    // MARK: Queries

    private static func read(_ query: String) throws -> NodeLogQuery? { try NodeLogQuery.read(HTTPQuery(query)) }

    @Test func `questions are read`() throws {
        for query in ["", "unknown=true", "sinceTime=", "boot=", "pattern="] {
            #expect(try Self.read(query) == nil, "\(query)")
        }
        var asked = try #require(
            try Self.read("query=foo&query=/bar&query=%5Cx&query=%20&sinceTime=2019-12-04T02:00:00%2B02:00&tailLines=7"))
        #expect(asked.services == ["foo"] && asked.files == ["/bar", #"\x"#] && asked.tailLines == 7)
        #expect(asked.since == Timestamp("2019-12-04T00:00:00Z") && asked.until == nil && asked.hasOptions)
        asked = try #require(try Self.read("boot=-23&pattern=a.c&untilTime=2019-12-04T02:00:00Z"))
        #expect(asked.boot == -23 && asked.pattern == "a.c" && asked.until == Timestamp("2019-12-04T02:00:00Z"))
    }

    @Test(arguments: [
        ("query=", #"query: Invalid value: []string{""}: query cannot be empty"#),
        ("query=%20&query=%20%20", #"query: Invalid value: []string{" ", "  "}: query cannot be empty"#),
        ("sinceTime=2019-12-04", #"sinceTime: Invalid value: "2019-12-04": invalid time format"#),
        ("untilTime=now", #"untilTime: Invalid value: "now": invalid time format"#),
        ("boot=x", #"boot: Invalid value: "x": strconv.Atoi: parsing "x": invalid syntax"#),
        (
            "tailLines=99999999999999999999",
            #"tailLines: Invalid value: "99999999999999999999": "#
                + #"strconv.Atoi: parsing "99999999999999999999": value out of range"#
        ),
        (
            "boot=+&tailLines=-",
            #"[boot: Invalid value: " ": strconv.Atoi: parsing " ": invalid syntax, "#
                + #"tailLines: Invalid value: "-": strconv.Atoi: parsing "-": invalid syntax]"#
        ),
    ])
    func `what is no question is refused in the words of Kubernetes`(query: String, message: String) {
        let invalid = #expect(throws: NodeLogQuery.Invalid.self) { _ = try Self.read(query) }
        #expect(invalid?.message == message)
    }

    @Test(arguments: [
        ("query=svc1&query=svc.2&query=a_b&query=getty@tty1:0", nil), ("query=/there.log", nil),
        ("query=s&tailLines=100000&boot=0&pattern=a%7Cb", nil),
        ("tailLines=1", "query: Required value: cannot be empty with options"),
        ("query=a%0A", #"query: Invalid value: "a\n": input contains unsupported characters"#),
        ("query=a&query=b&query=c&query=d&query=e", "query: Too many: 5: must have at most 4 items"),
        ("query=a&query=/b", #"query: Invalid value: "[/b], [a]": cannot specify a file and service"#),
        ("query=/a&query=/b", #"query: Invalid value: []string{"/a", "/b"}: cannot specify more than one file"#),
        ("query=/a&pattern=x", #"query: Invalid value: []string{"/a"}: cannot specify file with options"#),
        ("query=/gone.log", #"query: Invalid value: []string{"/gone.log"}: it is gone"#),
        ("query=s&boot=1", "boot: Invalid value: 1: must be less than 1"),
        ("query=s&tailLines=100001", "tailLines: Invalid value: 100001: must be between 0 and 100000, inclusive"),
        (
            "query=s&sinceTime=2023-02-04T02:00:00Z&untilTime=2023-01-04T02:00:00Z",
            "untilTime: Invalid value: 2023-01-04 02:00:00 +0000 UTC: must be after `sinceTime`"
        ),
        ("query=s&pattern=%5B", #"pattern: Invalid value: "[": error parsing regexp: missing closing ]: `[`"#),
    ] as [(String, String?)])
    func `what cannot be answered is refused in the words of Kubernetes`(query: String, message: String?) throws {
        let asked = try #require(try Self.read(query))
        var told: String?
        do throws(NodeLogQuery.Invalid) {
            try asked.validate { $0 == "/there.log" ? nil : "it is gone" }
        } catch {
            told = error.message
        }
        #expect(told == message)
    }

    @Test func `a long name is refused`() throws {
        let asked = try #require(try Self.read("query=" + String(repeating: "a", count: 257)))
        let invalid = #expect(throws: NodeLogQuery.Invalid.self) { try asked.validate { _ in nil } }
        #expect(invalid?.message.hasSuffix("length must be less than 100") == true)
        let fitting = try #require(try Self.read("query=" + String(repeating: "a", count: 256)))
        try fitting.validate { _ in nil }
    }

    @Test func `the journal is asked as Kubernetes asks it`() throws {
        let asked = try #require(
            try Self.read(
                "query=a&query=b&sinceTime=2023-01-04T04:05:06%2B02:00&untilTime=2023-02-04T02:00:00Z&tailLines=5"
                    + "&pattern=x%20y&boot=-1"))
        #expect(
            asked.journalArguments(["a", "b"]) == [
                "--utc", "--no-pager", "--output=short-precise", "--since=2023-01-04 02:05:06 UTC",
                "--until=2023-02-04 02:00:00 UTC", "--pager-end", "--lines=5", "--unit=a", "--unit=b", "--grep=x y",
                "--case-sensitive=false", "--boot", "-1",
            ])
        #expect(
            NodeLogQuery(services: ["a"]).journalArguments(["a"])
                == ["--utc", "--no-pager", "--output=short-precise", "--unit=a"])
    }

    // MARK: Containers

    @Test func `what runs is told as pods`() {
        var sandbox = CRI.PodSandbox()
        (sandbox.id, sandbox.metadata) = ("s1", CRI.PodSandboxMetadata(name: "web", uid: "u", namespace: "ns"))
        var old = sandbox
        (old.id, old.state) = ("s0", .notReady)
        func container(_ name: String, _ state: CRI.ContainerState, in sandbox: String) -> CRI.Container {
            var container = CRI.Container()
            (container.metadata.name, container.state, container.podSandboxID) = (name, state, sandbox)
            container.image.image = name + ":1"
            return container
        }
        let list = RunningPods.list(
            [old, sandbox],
            [
                container("b", .running, in: "s1"), container("a", .running, in: "s1"), container("c", .exited, in: "s1"),
                container("d", .running, in: "s0"),
            ])
        #expect(list["kind"]?.string == "PodList" && list["items"]?.array?.count == 1)
        let pod = list["items"]?.array?.first
        #expect(pod?.at("metadata", "name") == "web" && pod?.at("metadata", "uid") == "u")
        let images = pod?.at("spec", "containers")?.array?.compactMap { $0["image"]?.string }
        #expect(images == ["a:1", "b:1"])
    }

    @Test func `archives of checkpoints have the names of Kubernetes`() {
        let name = CheckpointName.of(
            ObjectName(namespace: "ns", name: "web"), container: "c", at: Timestamp(seconds: 784_111_777))
        #expect(name == "checkpoint-web_ns-c-1994-11-06T08:49:37Z.tar")
    }
}
