import Testing

@testable import Runtime

@Suite struct ImageReferenceTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:stable-alpine", "docker.io/library/nginx:stable-alpine"),
        ("rancher/mirrored-pause:3.10.2", "docker.io/rancher/mirrored-pause:3.10.2"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/a/b", "docker.io/a/b:latest"),
        ("quay.io/a/b/c:1", "quay.io/a/b/c:1"),
        ("localhost/a", "localhost/a:latest"),
        ("registry:5000/a", "registry:5000/a:latest"),
        ("registry:5000/a:b", "registry:5000/a:b"),
        ("a@" + digest, "docker.io/library/a@" + digest),
        ("a:1@" + digest, "docker.io/library/a:1@" + digest),
    ])
    func `short names are completed`(short: String, long: String) {
        #expect(ImageReference(short)?.description == long)
    }

    @Test(arguments: ["", "Nginx", "a b", "a:", "a:b c", "a@sha256:1", "/a", "a//b", "-a", "a/", "quay.io/A"])
    func `what names no image is refused`(text: String) {
        #expect(ImageReference(text) == nil)
    }
}
