import APIMachinery
import Host
import Support
import Testing

@testable import Runtime

@Suite struct RegistryTests {
    @Test func `every key of the file is read`() throws {
        let registries = try Registries([
            "mirrors": [
                "docker.io": [
                    "endpoint": ["http://127.0.0.1:5000", "https://mirror.example/proxy"],
                    "rewrite": ["^library/(.*)": "hub/$1"],
                ],
                "quay.io": .null,
            ],
            "configs": [
                "mirror.example": [
                    "auth": ["username": "u", "password": 1234, "auth": "dTpw", "identity_token": "t"],
                    "tls": [
                        "ca_file": "/ca", "cert_file": "/cert", "key_file": "/key",
                        "insecure_skip_verify": true,
                    ],
                ]
            ],
            "auths": .null,
        ])
        #expect(
            registries.mirrors["docker.io"]?.endpoints == [
                "http://127.0.0.1:5000", "https://mirror.example/proxy",
            ])
        #expect(registries.mirrors["docker.io"]?.rewrites == ["^library/(.*)": "hub/$1"])
        #expect(registries.mirrors["quay.io"] == Registries.Mirror())
        let options = registries.options(for: "mirror.example")
        #expect(options.auth?.password == "1234" && options.auth?.identityToken == "t")
        #expect(options.tls?.insecureSkipVerify == true && options.tls?.keyFile == "/key")
    }

    @Test(arguments: [
        ("^(.*)$", "team/proxy/$1", "team/proxy"), ("(.+)", "a/${1}", "a"), ("^(.*)$", "proxy$1", nil),
        ("^(.*)$", "/$1", nil), ("^(.*)$", "a//$1", nil), ("^(.*)$", "$1/$1", nil), ("^(.*)$", "$1", nil),
        ("^library/(.*)$", "hub/$1", nil), ("^(.*)$", "a", nil),
    ] as [(String, String, String?)]) func `a rewrite of all repositories is a path`(
        _ pattern: String, _ replacement: String, _ prefix: String?
    ) {
        var mirror = Registries.Mirror(endpoints: ["https://m.example", "https://m.example/p"])
        mirror.rewrites = [pattern: replacement]
        #expect(mirror.prefix == prefix)
        var registries = Registries()
        registries.mirrors["docker.io"] = mirror
        for isDisabled in [false, true] {
            let file = RegistryHosts(registries: registries, isDefaultEndpointDisabled: isDisabled).files()["docker.io"]
            let path = prefix.map { "/" + $0 } ?? ""
            #expect(file?.contains("\"https://m.example/v2\(path)\"") == true)
            #expect(file?.contains("\"https://m.example/p\(path)\"") == true)
            #expect(file?.contains("override_path") == true)
        }
        mirror.rewrites["^x/(.*)$"] = "y/$1"
        #expect(mirror.prefix == nil)
    }

    @Test func `the file is YAML, and may be absent`() throws {
        let path = "/tmp/k3s-registries-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(path) }
        #expect(try Registries.read(path) == Registries())
        try Files.write("", to: path)
        #expect(try Registries.read(path) == Registries())
        try Files.write("mirrors:\n  docker.io:\n    endpoint:\n    - http://127.0.0.1:5000\n", to: path)
        #expect(try Registries.read(path).mirrors["docker.io"]?.endpoints == ["http://127.0.0.1:5000"])
        try Files.write("mirrors: [", to: path)
        let fault = #expect(throws: Fault.self) { try Registries.read(path) }
        #expect(fault?.code == .invalid && fault?.summary.hasPrefix(path + ": yaml: ") == true)
    }

    @Test func `an empty file says nothing`() throws {
        #expect(try Registries(.null) == Registries())
    }

    @Test(
        arguments: [
            (["mirror": [:]], "registries.yaml: mirror: there is no such key, only auths, configs, mirrors"),
            (
                ["mirrors": ["docker.io": ["endpoints": []]]],
                "registries.yaml: mirrors.docker.io.endpoints: there is no such key, only endpoint, rewrite"
            ),
            (
                ["mirrors": ["docker.io": ["endpoint": "http://a"]]],
                "registries.yaml: mirrors.docker.io.endpoint: a string is not a list"
            ),
            (
                ["mirrors": ["docker.io": ["endpoint": ["ftp://a"]]]],
                "registries.yaml: mirrors.docker.io.endpoint: \"ftp://a\" is not an http or https URL"
            ),
            (
                ["configs": ["a": ["tls": ["insecure_skip_verify": "yes"]]]],
                "registries.yaml: configs.a.tls.insecure_skip_verify: a string is not true or false"
            ),
            (
                ["mirrors": ["docker.io": ["rewrite": ["(a": "b"]]]],
                "registries.yaml: mirrors.docker.io.rewrite: error parsing regexp: missing closing ): `(a`"
            ),
            (["configs": ["a": 5]], "registries.yaml: configs.a is a number, not a map"),
            ([1, 2], "registries.yaml: the file is a array, not a map"),
        ] as [(Value, String)])
    func `a mistake is named with its place`(value: Value, summary: String) {
        let fault = #expect(throws: Fault.self) { try Registries(value) }
        #expect(fault?.summary == summary)
        #expect(fault?.code == .invalid)
    }

    @Test(arguments: [
        ("https://mirror.example", "https://mirror.example/v2"),
        ("https://mirror.example/", "https://mirror.example/v2"),
        ("https://mirror.example/v2/", "https://mirror.example/v2"),
        ("https://mirror.example:8443/v2/proxy", "https://mirror.example:8443/v2/proxy"),
        ("mirror.example:5000", "https://mirror.example:5000/v2"),
        ("localhost:5000", "http://localhost:5000/v2"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000/v2"),
        ("[::1]:5000", "http://[::1]:5000/v2"),
        ("http://mirror.example?a=b", "http://mirror.example/v2"),
    ])
    func `an endpoint is completed`(text: String, url: String) {
        #expect(RegistryEndpoint(text)?.description == url)
    }

    private var registries: Registries {
        var registries = Registries()
        registries.mirrors["docker.io"] = Registries.Mirror(
            endpoints: ["http://127.0.0.1:5000", "https://mirror.example/proxy"],
            rewrites: ["^library/(.*)": "hub/$1"])
        registries.mirrors["*"] = Registries.Mirror(endpoints: ["https://all.example"])
        var (tls, auth) = (Registries.TLS(), Registries.Auth())
        tls.caFile = "/etc/ca.crt"
        tls.certFile = "/etc/node.crt"
        tls.keyFile = "/etc/node.key"
        tls.insecureSkipVerify = true
        auth.username = "node"
        auth.password = "a \"secret\""
        registries.configs["mirror.example"] = Registries.HostOptions(auth: auth, tls: tls)
        registries.configs["private.example:5000"] = Registries.HostOptions(tls: tls)
        return registries
    }

    private static let comment =
        "# Written by k3s from registries.yaml at each start; changes here are lost.\n"

    @Test func `mirrors are asked in their order, and the registry last`() {
        let files = RegistryHosts(registries: registries).files()
        #expect(files.keys.sorted() == ["_default", "docker.io", "mirror.example", "private.example:5000"])
        #expect(
            files["docker.io"] == Self.comment + #"""
                server = "https://registry-1.docker.io/v2"
                capabilities = ["pull", "resolve", "push"]

                [host."http://127.0.0.1:5000/v2"]
                capabilities = ["pull", "resolve"]

                [host."https://mirror.example/proxy"]
                capabilities = ["pull", "resolve"]
                override_path = true
                ca = ["/etc/ca.crt"]
                client = [["/etc/node.crt", "/etc/node.key"]]
                skip_verify = true

                """#)
        #expect(
            files["_default"] == Self.comment + #"""

                [host."https://all.example/v2"]
                capabilities = ["pull", "resolve"]

                """#)
        #expect(
            files["private.example:5000"] == Self.comment + #"""
                server = "https://private.example:5000/v2"
                capabilities = ["pull", "resolve", "push"]
                ca = ["/etc/ca.crt"]
                client = [["/etc/node.crt", "/etc/node.key"]]
                skip_verify = true

                [host]

                """#)
    }

    @Test func `without the default endpoint the last mirror takes the registry's place`() {
        var hosts = RegistryHosts(registries: Registries(), isDefaultEndpointDisabled: true)
        hosts.registries.mirrors["docker.io"] = Registries.Mirror(endpoints: [
            "http://127.0.0.1:5000", "https://b.example",
        ])
        #expect(
            hosts.files()["docker.io"] == Self.comment + #"""
                server = "https://b.example/v2"
                capabilities = ["pull", "resolve", "push"]

                [host."http://127.0.0.1:5000/v2"]
                capabilities = ["pull", "resolve"]

                """#)
    }

    @Test func `a file without mirrors has the table of mirrors, or it is passed over`() {
        var hosts = RegistryHosts(registries: Registries(), isDefaultEndpointDisabled: true)
        hosts.registries.mirrors["docker.io"] = Registries.Mirror(endpoints: ["http://127.0.0.1:5000"])
        #expect(
            hosts.files()["docker.io"] == Self.comment + #"""
                server = "http://127.0.0.1:5000/v2"
                capabilities = ["pull", "resolve", "push"]

                [host]

                """#)
    }

    @Test func `credentials for all hosts are given to each that is known`() {
        var (registries, auth, other) = (Registries(), Registries.Auth(), Registries.Auth())
        auth.username = "everywhere"
        other.username = "hub"
        registries.mirrors["quay.io"] = Registries.Mirror(endpoints: ["https://mirror.example"])
        registries.configs["*"] = Registries.HostOptions(auth: auth)
        registries.configs["docker.io"] = Registries.HostOptions(auth: other)
        #expect(
            RegistryHosts(registries: registries).credentials()
                == ["quay.io": auth, "mirror.example": auth, "registry-1.docker.io": other])
    }
}
