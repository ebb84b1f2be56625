import Host
import PKI
import Support


/// Debian's `docker-registry` on a node's loopback, as the mirror of docker.io, with images made of the programs of this
/// machine: busybox, and nginx in two versions that answer differently.
enum TestRegistry {
    private static let port = 5000

    /// Starts it, fills it, and tells the node of it in `registries.yaml`. It ends with the node.
    static func start(on node: TestNode) async throws {
        try await serve(port, on: node)
        try await push(busybox, to: node)
        for version in [("stable-alpine", "one"), ("two", "two")] {
            try await push(nginx(tag: version.0, answer: version.1), to: node)
        }
        try Files.makeDirectory(node.folder + "/etc/rancher/k3s")
        try Files.write(mirrors, to: node.folder + "/etc/rancher/k3s/registries.yaml")
    }

    private static let mirrors = """
        mirrors:
          docker.io:
            endpoint: ["http://127.0.0.1:\(port)"]

        """

    private static func serve(
        _ port: Int, _ more: String = "", transport: String = "", on node: TestNode
    ) async throws {
        let file = "\(node.folder)/registry-\(port).yml"
        let configuration = """
            version: 0.1
            log: {level: error, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(node.folder)/registry}}
            http: {addr: "127.0.0.1:\(port)"\(transport)}
            \(more)

            """
        try Files.write(configuration, to: file)
        var command = try node.command("/usr/bin/docker-registry", ["serve", file])
        (command.output, command.errors) = (.null, .null)
        command.parentDeathSignal = .kill
        let process = try await command.start()
        Task { _ = try? await process.wait() }
    }

    /// Starts another one beside it, of the same images, for those alone who say that they are ``user``. It is the mirror
    /// of `private.example.com`, to which pods bring their credentials, and of `shared.example.com`, to which the node has
    /// its own. Before k3s.
    static func startPrivate(on node: TestNode) async throws {
        try Files.write("\(user.name):\(user.hash)\n", to: node.folder + "/users")
        try await serve(port + 1, "auth: {htpasswd: {realm: test, path: \(node.folder)/users}}", on: node)
        let more = """
              private.example.com:
                endpoint: ["http://127.0.0.1:\(port + 1)"]
              shared.example.com:
                endpoint: ["http://localhost:\(port + 1)"]
            configs:
              "localhost:\(port + 1)":
                auth: {username: \(user.name), password: \(user.password)}

            """
        try Files.write(mirrors + more, to: node.folder + "/etc/rancher/k3s/registries.yaml")
    }

    /// Starts another one beside it, of the same images, which speaks TLS with those alone who show a certificate. Its own is
    /// for 127.0.0.1. Returns the folder with `ca.crt`, `client.crt` and `client.key`, and the port.
    static func startSecure(on node: TestNode) async throws -> (folder: String, port: Int) {
        let folder = node.folder + "/tls"
        try Files.makeDirectory(folder)
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        let script = """
            openssl req -x509 \(new) -keyout ca.key -out ca.crt -subj /CN=ca -days 2
            for name in server client; do
                openssl req \(new) -keyout $name.key -out $name.csr -subj /CN=$name -addext subjectAltName=IP:127.0.0.1
                openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -copy_extensions copy -days 2 -out $name.crt
            done
            """
        try await run("set -e\n" + script, in: folder)
        let files = "certificate: \(folder)/server.crt, key: \(folder)/server.key, clientcas: [\(folder)/ca.crt]"
        try await serve(port + 2, transport: ", tls: {\(files)}", on: node)
        return (folder, port + 2)
    }

    /// `hash` is bcrypt's.
    static let user = (
        name: "node", password: "secret", hash: "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
    )

    /// From now on it accepts connections and answers none.
    static func suspend(on node: TestNode) async throws { try await node.shell("kill -STOP $(pidof docker-registry)") }

    static func resume(on node: TestNode) async throws { try await node.shell("kill -CONT $(pidof docker-registry)") }

    // MARK: Images

    /// An image of one layer, or of two: the programs below, the files above.
    struct Image: Sendable {
        var name: String
        var tag: String
        /// Programs of this machine, which come with the libraries that they are linked with.
        var programs: [String]
        var files: [String: String] = [:]
        var hasFilesApart = false
        var folders: [String] = []
        var command: [String]
        /// Empty for root.
        var user = ""
    }

    private static let busybox = Image(
        name: "library/busybox", tag: "1", programs: ["/bin/busybox"], files: users, folders: ["tmp"], command: ["sh"])

    private static let users = [
        "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    ]

    /// The same programs for a user who has a name alone: `busybox:nobody`.
    static func pushNobody(to node: TestNode) async throws {
        var image = busybox
        (image.tag, image.user) = ("nobody", "nobody")
        try await push(image, to: node)
    }

    private static func nginx(tag: String, answer: String) -> Image {
        let configuration = """
            user root;
            daemon off;
            worker_processes 1;
            error_log stderr;
            pid /tmp/nginx.pid;
            events { worker_connections 64; }
            http { access_log off; server { listen 80; location / { root /www; } } }

            """
        return Image(
            name: "library/nginx", tag: tag, programs: ["/usr/sbin/nginx", "/bin/busybox"],
            files: users.merging(["etc/nginx/nginx.conf": configuration, "www/index.html": answer + "\n"]) { $1 },
            hasFilesApart: true, folders: ["tmp", "var/log/nginx", "var/lib/nginx"],
            command: ["/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf"])
    }

    /// Programs that pods of tests call by name; each is busybox.
    private static let applets = [
        "sh", "cat", "echo", "env", "false", "grep", "id", "kill", "ls", "nc", "nslookup", "ps", "sleep", "tar", "true",
        "timeout", "touch", "wget",
    ]

    /// Copies, links, and packs with the machine's own tools.
    private static func layers(_ image: Image, in folder: String) async throws -> [[UInt8]] {
        var script = "set -e; umask 022; rm -rf root files; mkdir -p root/bin files; cd root\n"
        for name in image.folders { script += "mkdir -p \(name)\n" }
        for program in image.programs {
            script += "for f in \(program) $(ldd \(program) 2>/dev/null | grep -o '/[^ ]*'); do "
            script += "mkdir -p .$(dirname $f); cp -L $f .$f; done\n"
        }
        for applet in applets { script += "ln -s busybox bin/\(applet)\n" }
        let place = image.hasFilesApart ? "files" : "root"
        for path in image.files.keys { script += "mkdir -p $(dirname ../\(place)/\(path))\n" }
        try await run(script, in: folder)
        for (path, content) in image.files { try Files.write(Array(content.utf8), to: "\(folder)/\(place)/\(path)") }
        var layers: [[UInt8]] = []
        for part in image.hasFilesApart ? ["root", "files"] : ["root"] {
            try await run("tar -C \(part) --owner=0 --group=0 -cf layer.tar .", in: folder)
            layers.append(try Files.read(folder + "/layer.tar"))
        }
        return layers
    }

    private static func run(_ script: String, in folder: String) async throws {
        var command = Command("/bin/sh", ["-c", script])
        command.directory = folder
        let outcome = try await command.run()
        guard outcome.status.isSuccess else { throw Unready("no image can be made: \(outcome.errorText)") }
    }

    // MARK: Pushing (Docker registry HTTP API V2)

    private static func push(_ image: Image, to node: TestNode) async throws {
        let folder = node.folder + "/image"
        try Files.makeDirectory(folder)
        let layers = try await layers(image, in: folder)
        let command = image.command.map { "\"\($0)\"" }.joined(separator: ",")
        let configuration = Array(
            """
            {"architecture":"amd64","os":"linux","config":{"User":"\(image.user)","Cmd":[\(command)],"Env":["PATH=/bin:/usr/sbin"]},\
            "rootfs":{"type":"layers","diff_ids":[\(layers.map { "\"\(digest($0))\"" }.joined(separator: ","))]}}
            """.utf8)
        let entries = layers.map { layer in
            """
            {"mediaType":"application/vnd.oci.image.layer.v1.tar","size":\(layer.count),"digest":"\(digest(layer))"}
            """
        }
        let manifest = """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":\(configuration.count),\
            "digest":"\(digest(configuration))"},\
            "layers":[\(entries.joined(separator: ","))]}
            """
        try Files.write(manifest, to: folder + "/manifest")
        let blobs = layers + [configuration]
        for (index, blob) in blobs.enumerated() { try Files.write(blob, to: "\(folder)/blob-\(index)") }
        let uploads = blobs.enumerated().map { "upload blob-\($0) \(digest($1))" }.joined(separator: "\n")
        let base = "http://127.0.0.1:\(port)/v2/\(image.name)"
        // The registry is reachable on the node alone.
        let script = """
            set -e
            for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                curl -sf -o /dev/null http://127.0.0.1:\(port)/v2/ && break; sleep 0.2; done
            upload() {
                place=$(curl -sf -X POST -D - -o /dev/null \(base)/blobs/uploads/ | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
                curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary @\(folder)/$1 "$place&digest=$2"
            }
            \(uploads)
            curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \\
                --data-binary @\(folder)/manifest \(base)/manifests/\(image.tag)
            """
        let outcome = try await node.command("/bin/sh", ["-c", script]).run()
        guard outcome.status.isSuccess else { throw Unready("\(image.name) cannot be pushed: \(outcome.errorText)") }
    }

    private static func digest(_ bytes: [UInt8]) -> String { "sha256:" + Hex.encode(Digest.sha256(bytes)) }
}
