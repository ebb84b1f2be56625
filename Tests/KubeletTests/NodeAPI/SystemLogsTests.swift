import APIMachinery
import Host
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct SystemLogsTests {
    // MARK: Files

    @Test func `files and folders of the system's logs are shown`() async throws {
        try await ConnectedCluster.run { cluster in
            try cluster.folder.write("one two three", "syslog")
            try cluster.folder.write("{}", "pods/web/a.json")
            let answers = [
                ("/logs/syslog", 200, "one two three"), ("/logs/pods/web/a.json", 200, "{}"),
                ("/logs/syslog?query=nobody", 200, "one two three"), ("/logs/none", 404, "404 page not found\n"),
                ("/logs/syslog/further", 404, "404 page not found\n"),
            ]
            for (path, status, text) in answers {
                let answer = try await cluster.askNode(path)
                #expect(answer.status == status && answer.text == text, "\(path): \(answer.text)")
            }
            let page = try await cluster.askNode("/logs/")
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.text.contains("<a href=\"pods/\">pods/</a>\n<a href=\"syslog\">syslog</a>\n"), "\(page.text)")
            let through = try await cluster.get("/api/v1/nodes/node/proxy/logs/syslog")
            #expect(through == .init(200, "one two three"))
            let head = try await cluster.askNode("/logs/syslog", .head)
            #expect(head.status == 200 && head.headers["Content-Length"] == "13" && head.text.isEmpty)
            #expect(try await cluster.askNode("/logs/syslog", .post).status == 405)
        }
    }

    @Test func `paths lead to where they should be written`() async throws {
        try await ConnectedCluster.run { cluster in
            try cluster.folder.write("", "pods/web/0.log")
            try cluster.folder.write("home", "site/index.html")
            try Files.write("out", to: cluster.folder.path + "/secret")
            try Files.makeSymbolicLink(at: cluster.folder.layout.systemLogs + "/away", to: "../secret")
            let answers = [
                ("/logs", 307, "/logs/"), ("/logs?a=b", 307, "/logs/?a=b"), ("/logs/%2e%2e/pods", 307, "/pods"),
                ("/logs//pods/", 307, "/logs/pods/"), ("/logs/pods?a=b", 301, "pods/?a=b"),
                ("/logs/pods/web/0.log/", 301, "../0.log"), ("/logs/site/index.html", 301, "./"),
            ]
            for (path, status, location) in answers {
                let answer = try await cluster.askNode(path)
                #expect(answer.status == status && answer.headers["Location"] == location, "\(path): \(answer)")
            }
            #expect(try await cluster.askNode("/logs/site/").text == "home")
            let away = try await cluster.askNode("/logs/away")
            #expect(away.status == 403 && away.text == "403 Forbidden\n")
        }
    }

    @Test func `parts of files are sent, and files that are known are not`() async throws {
        try await ConnectedCluster.run { cluster in
            try cluster.folder.write("one two three", "syslog")
            func ask(_ headers: HTTPHeaders) async throws -> (status: Int, headers: HTTPHeaders, text: String) {
                try await cluster.askNode("/logs/syslog", .get, headers)
            }
            let part = try await ask(["Range": "bytes=4-6"])
            #expect(part.status == 206 && part.text == "two" && part.headers["Content-Range"] == "bytes 4-6/13")
            let beyond = try await ask(["Range": "bytes=13-"])
            #expect(beyond.status == 416 && beyond.headers["Content-Range"] == "bytes */13")
            #expect(beyond.text == "invalid range: failed to overlap\n")

            let parts = try await ask(["Range": "bytes=0-2,-5"])
            let type = try #require(parts.headers["Content-Type"])
            let boundary = try #require(type.split(separator: "=").last)
            #expect(type.hasPrefix("multipart/byteranges; boundary=") && boundary.count == 60)
            let text = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
            #expect(
                parts.text == "--\(boundary)\r\nContent-Range: bytes 0-2/13\r\n\(text)one"
                    + "\r\n--\(boundary)\r\nContent-Range: bytes 8-12/13\r\n\(text)three\r\n--\(boundary)--\r\n")
            #expect(parts.headers["Content-Length"] == "\(parts.text.utf8.count)")

            let changed = try #require(part.headers["Last-Modified"])
            let known = try await ask(["If-Modified-Since": changed])
            #expect(known.status == 304 && known.text.isEmpty && known.headers["Content-Type"] == nil)
            #expect(try await ask(["If-Match": "\"a\""]).status == 412)
        }
    }

    @Test func `a long file is sent as it is`() async throws {
        try await ConnectedCluster.run { cluster in
            let text = (0..<40_000).map { "line \($0)\n" }.joined()
            try cluster.folder.write(text, "long.log")
            #expect(try await cluster.askNode("/logs/long.log").text == text)
        }
    }

    @Test func `a node that shows nothing says so`() async throws {
        var handlers = NodeHandlers()
        handlers.showsSystemLogs = false
        try await ConnectedCluster.run(handlers) { cluster in
            let answer = try await cluster.askNode("/logs/")
            #expect(answer.status == 405 && answer.text == "logs endpoint is disabled.\n")
        }
        handlers.hasDebugging = false
        try await ConnectedCluster.run(handlers) { cluster in
            for path in ["/logs/", "/exec/default/web/c", "/containerLogs/default/web/c", "/runningpods/", "/run/a/b/c"] {
                let answer = try await cluster.askNode(path)
                #expect(answer.status == 405 && answer.text == "Debug endpoints are disabled.\n", "\(path)")
            }
            #expect(try await cluster.askNode("/configz").status == 404)
            #expect(try await cluster.askNode("/pods").status == 200)
        }
    }

    // MARK: Queries

    /// A node with the journal of one service, `kubelet`; what was asked is in the file `asked`.
    private static func withJournal(
        _ reading: String = "printf '%s\\n' \"$@\"",
        _ body: @escaping @Sendable (ConnectedCluster) async throws -> Void
    ) async throws {
        let folder = try NodeFolder()
        let program = folder.path + "/journal"
        let script = """
            #!/bin/sh
            if [ "$1" = --field ]; then printf 'kubelet.service\\ncron.service\\n'; exit; fi
            \(reading)

            """
        try Files.write(script, to: program, mode: 0o755)
        var handlers = NodeHandlers()
        handlers.answersLogQueries = true
        handlers.journalProgram = program
        try await ConnectedCluster.run(handlers, on: folder, body)
    }

    @Test func `the log of a service comes from the journal`() async throws {
        try await Self.withJournal { cluster in
            let answer = try await cluster.askNode("/logs/?query=kubelet&tailLines=3&pattern=x%20y")
            #expect(answer.status == 200 && answer.headers["Content-Type"] == "text/plain;charset=UTF-8")
            #expect(
                answer.text == """
                    --utc
                    --no-pager
                    --output=short-precise
                    --pager-end
                    --lines=3
                    --unit=kubelet
                    --grep=x y
                    --case-sensitive=false

                    """)
            let through = try await cluster.get("/api/v1/nodes/node/proxy/logs/?query=kubelet&query=cron")
            #expect(through.text.hasSuffix("--unit=kubelet\n--unit=cron\n"))
            let request = HTTPClientRequest(
                .get, HTTPOrigin(cluster.node, isSecure: true), "/logs/?query=kubelet",
                headers: ["Accept-Encoding": "gzip"])
            let packed = try await cluster.kubectl().send(request)
            #expect(packed.headers["Content-Encoding"] == "gzip")
            let bytes = try await packed.body.collect(limit: 1 << 20)
            let text = GzipDecoder.unpack(bytes, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
            #expect(text == "--utc\n--no-pager\n--output=short-precise\n--unit=kubelet\n")
        }
    }

    @Test func `the log of a service that writes no journal comes from its file`() async throws {
        try await Self.withJournal { cluster in
            try cluster.folder.write("first", "one.log")
            try cluster.folder.write("wrong", "one/one.log")
            try cluster.folder.write("second", "two/two.log")
            try cluster.folder.write("third", "three")
            try Files.write("out", to: cluster.folder.path + "/secret")
            try Files.makeSymbolicLink(at: cluster.folder.layout.systemLogs + "/away", to: "../secret")
            let answers = [
                ("query=one", "first"), ("query=one.log", "first"), ("query=two&query=three", "secondthird"),
                ("query=four", "\nlog not found for four\n"), ("query=/one.log", "first"),
                ("query=one&query=cron", "--utc\n--no-pager\n--output=short-precise\n--unit=cron\nfirst"),
                (
                    "query=one&query=two&tailLines=1",
                    "\noptions present and query resolved to log files for [one two]\n"
                        + "try without specifying options\n"
                ),
            ]
            for (query, text) in answers {
                let answer = try await cluster.askNode("/logs/?" + query)
                #expect(answer.status == 200 && answer.text == text, "\(query): \(answer.text)")
            }
            let away = try await cluster.askNode("/logs/?query=away").text
            #expect(away.hasPrefix("\nerror getting log for away: ") && !away.contains("out\n"))
        }
    }

    @Test func `what cannot be answered is refused`() async throws {
        try await Self.withJournal { cluster in
            let logs = cluster.folder.layout.systemLogs
            let refusals = [
                ("/logs/?boot=x", 400, #"boot: Invalid value: "x": strconv.Atoi: parsing "x": invalid syntax"#),
                ("/logs/?tailLines=1", 406, "query: Required value: cannot be empty with options"),
                ("/logs/syslog?query=kubelet", 406, "path not allowed in query mode"),
                (
                    "/logs/?query=/none", 406,
                    #"query: Invalid value: []string{"/none"}: stat \#(logs)/none: no such file or directory"#
                ),
            ]
            for (path, status, text) in refusals {
                let answer = try await cluster.askNode(path)
                #expect(answer.status == status && answer.text == text + "\n", "\(path): \(answer.text)")
            }
        }
    }

    @Test func `a journal that says what is wrong is believed, and its words come in pieces`() async throws {
        try await Self.withJournal("echo no such boot >&2; exit 1") { cluster in
            let answer = try await cluster.askNode("/logs/?query=kubelet&boot=-5")
            #expect(answer.status == 200 && answer.text == "no such boot\n")
        }
        try await Self.withJournal("head -c 1000000 /dev/zero | tr '\\0' x") { cluster in
            let answer = try await cluster.askNode("/logs/?query=kubelet")
            #expect(answer.text.utf8.count == 1_000_000)
        }
    }

    @Test func `a reader who goes away ends the program that reads for him`() async throws {
        try await Self.withJournal("echo $$ > \"$0.pid\"; echo begun; exec sleep 1000") { cluster in
            let request = HTTPClientRequest(
                .get, HTTPOrigin(cluster.node, isSecure: true), "/logs/?query=kubelet", headers: [:])
            let client = try cluster.kubectl()
            let reading = Task { try await client.send(request).body.collect(limit: 1 << 20) }
            let file = cluster.folder.path + "/journal.pid"
            while !Files.exists(file) { try await Task.sleep(for: .milliseconds(10)) }
            try await Task.sleep(for: .milliseconds(50))
            let pid = try #require(Int32(try Files.readText(file).filter { $0 != "\n" }))
            let program = try #require(ProcessIdentity(pid: pid))
            reading.cancel()
            _ = try? await reading.value
            #expect(try await program.waitForEnd())
        }
    }

    // MARK: Containers

    @Test func `a command runs to its end`() async throws {
        try await ConnectedCluster.run { cluster in
            let answers = [
                ("/run/default/web/c?cmd=ls%20-l%20%20x", 200, "ls|-l||x!"), ("/run/default/web/c?cmd=", 200, ""),
                ("/run/default/web/c?cmd=fail%20so", 500, "command 'fail so' exited with 3: no way"),
                ("/run/default/new/c?cmd=ls", 500, "container not found (\"c\")"),
                ("/run/default/none/c?cmd=ls", 404, "pod does not exist"),
            ]
            for (path, status, text) in answers {
                let answer = try await cluster.askNode(path, .post)
                #expect(answer.status == status && answer.text == text, "\(path): \(answer.text)")
            }
            #expect(try await cluster.askNode("/run/default/web/c?cmd=ls").status == 405)
        }
    }

    @Test func `a container is written into an archive`() async throws {
        try await ConnectedCluster.run { cluster in
            let folder = cluster.folder.layout.root + "/checkpoints"
            let answer = try await cluster.askNode("/checkpoint/default/web/c?timeout=7&timeout=300", .post)
            #expect(answer.status == 200 && answer.headers["Content-Type"] == "application/json", "\(answer.text)")
            let item = try #require(try Value(json: answer.text)["items"]?.array?.first?.string)
            #expect(item.hasPrefix(folder + "/checkpoint-web_default-c-") && item.hasSuffix("Z.tar"))
            #expect(
                cluster.runtime.checkpoints
                    == [StreamingRuntime.Checkpoint(id: "one", path: item, timeout: .seconds(300))])
            #expect(try Files.status(of: folder).mode == 0o700)
        }
    }

    @Test func `a container that cannot be written says why`() async throws {
        try await ConnectedCluster.run { cluster in
            let failed = "checkpointing of default/new/c failed (container c not found)"
            let failures = [
                ("/none/c", 404, "pod does not exist"), ("/web/x", 404, "container x does not exist"),
                ("/web/c?timeout=soon", 404, "cannot parse value of timeout parameter"), ("/new/c", 500, failed),
                (
                    "/web/c?timeout=-1", 500,
                    "checkpointing of default/web/c failed (CheckpointContainer requires the timeout value to be > 0)"
                ),
            ]
            for (path, status, text) in failures {
                let answer = try await cluster.askNode("/checkpoint/default" + path, .post)
                #expect(answer.status == status && answer.text == text, "\(path): \(answer.text)")
            }
            cluster.runtime.refuseCheckpoints()
            let answer = try await cluster.askNode("/checkpoint/default/web/c", .post)
            #expect(answer.status == 500)
            #expect(
                answer.text == "checkpointing of default/web/c failed "
                    + "(rpc error: code = Unimplemented desc = unknown method CheckpointContainer)")
            #expect(try await cluster.askNode("/checkpoint/default/web/c").status == 405)
        }
    }
}
