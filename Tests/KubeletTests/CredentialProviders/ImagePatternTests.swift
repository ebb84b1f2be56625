import Testing

@testable import Kubelet

/// The examples of Kubernetes' documentation, "Configure image matching", and what stands between them.
@Suite struct ImagePatternTests {
    @Test(arguments: [
        ("123456789.dkr.ecr.us-east-1.amazonaws.com", "123456789.dkr.ecr.us-east-1.amazonaws.com/app", true),
        ("*.azurecr.io", "team.azurecr.io/app", true),
        ("*.azurecr.io", "azurecr.io/app", false),
        ("gcr.io", "gcr.io/app", true),
        ("*.*.registry.io", "a.b.registry.io/app", true),
        ("*.io", "registry.k8s.io/app", false),
        ("*.registry.io:8080/path", "a.registry.io:8080/path/app", true),
        ("*.registry.io:8080/path", "a.registry.io/path/app", false),
        ("*.registry.io", "a.registry.io:8080/app", false),
        ("*.registry.io:8080/path", "a.registry.io:8080/other/app", false),
        // As in Kubernetes a path is a beginning, not a folder.
        ("r.io/team", "r.io/teams/app", true),
        ("app*.k8s.io", "app12.k8s.io/x", true), ("app*.k8s.io", "app.k8s.io/x", true),
        ("app*.k8s.io", "ap.k8s.io/x", false),
        ("*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com/x", true),
        ("a*b*c.io", "a-b-b-c.io/x", true), ("a*b*c.io", "a-c.io/x", false), ("ab*ba.io", "aba.io/x", false),
        ("docker.io", "docker.io/library/nginx", true),
    ]) func `an image is one of a pattern's`(_ pattern: String, _ image: String, _ isOne: Bool) throws {
        #expect(try #require(ImagePattern(pattern)).matches(image) == isOne)
    }

    @Test(arguments: ["a b.io", "a.io:port", "a\\b", "a\u{7F}.io"])
    func `what is no host matches nothing`(_ text: String) {
        #expect(ImagePattern(text) == nil && ImagePattern.objection(to: text) != nil)
    }
}
