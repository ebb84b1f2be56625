import APIMachinery
import Testing

@testable import CEL

@Suite struct LibraryTests {
    private static let strings = #"""
        "tacocat".startsWith("taco") && "tacocat".endsWith("cat") && "tacocat".contains("coc") && "".contains("")
        "héllo".charAt(1) == "é" && "abc".charAt(3) == ""
        "hello mellow".indexOf("ello") == 1 && "hello mellow".indexOf("ello", 2) == 7 && "a".indexOf("z") == -1
        "hello mellow".lastIndexOf("ello") == 7 && "hello mellow".lastIndexOf("ello", 6) == 1 && "abc".indexOf("") == 0
        "TacoCat".lowerAscii() == "tacocat" && "TacoCÆt".upperAscii() == "TACOCÆT"
        "hello hello".replace("he", "we") == "wello wello" && "hello hello".replace("he", "we", 1) == "wello hello"
        "abc".replace("", "-") == "-a-b-c-" && "abc".replace("b", "", 0) == "abc"
        "a b c".split(" ") == ["a", "b", "c"] && "a b c".split(" ", 2) == ["a", "b c"] && "a".split("", 0) == []
        "abc".split("") == ["a", "b", "c"] && "".split(",") == [""]
        "tacocat".substring(4) == "cat" && "tacocat".substring(0, 4) == "taco" && "abc".substring(3) == ""
        "  \ttrim\n  ".trim() == "trim"
        ["a", "b"].join() == "ab" && ["a", "b"].join("-") == "a-b" && [].join() == ""
        strings.quote("a\"b\n") == "\"a\\\"b\\n\""
        "gums".reverse() == "smug"
        "%s is %d".format([dyn("x"), dyn(3)]) == "x is 3" && "%d%d".format([1, 2]) == "12"
        "%.2f %e %x %X %o %b %%".format([dyn(3.14159), 1234.5, dyn(255), 255, 8, 5]) == "3.14 1.234500e+03 ff FF 10 101 %"
        "%f".format([2.5]) == "2.500000" && "%.0f".format([2.5]) == "2" && "%.1f".format([0.25]) == "0.2" && "%.0f".format([0.5]) == "0"
        "%.3f".format([0.9996]) == "1.000" && "%.0f".format([9.5]) == "10" && "%.2f".format([-0.001]) == "-0.00"
        "%s".format([[dyn(1), dyn("a"), dyn(2.5), null, dyn(true)]]) == "[1, a, 2.5, null, true]"
        "%s".format([{"b": dyn(1), "a": dyn([2])}]) == "{a: [2], b: 1}"
        "%s %s".format([dyn(duration("1h")), dyn(type(1))]) == "3600s int" && "%x".format(["hi"]) == "6869"
        jsonpatch.escapeKey("a/b~c") == "a~1b~0c"
        "a" < "b" && "Z" < "a" && "" < "a"
        """#

    private static let lists = #"""
        [1, 2, 3].isSorted() && ![2, 1].isSorted() && ["a", "b"].isSorted() && [].isSorted()
        [1, 2, 3].sum() == 6 && [1.5, 1.5].sum() == 3.0 && [duration("1h"), duration("1h")].sum() == duration("2h")
        [3, 1, 2].min() == 1 && [3, 1, 2].max() == 3 && ["b", "a"].min() == "a"
        [1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && [1].indexOf(9) == -1
        [1, 2, 3, 4].slice(1, 3) == [2, 3]
        [[1, 2], [3]].flatten() == [1, 2, 3]
        lists.range(3) == [0, 1, 2]
        [1, 2, 2, 1].distinct() == [1, 2]
        [3, 1, 2].sort() == [1, 2, 3] && ["b", "a"].sort() == ["a", "b"]
        [{"n": 2}, {"n": 1}].sortBy(x, x.n).map(x, x.n) == [1, 2]
        [1, 2].reverse() == [2, 1] && [1, 2].first().value() == 1 && [1, 2].last().value() == 2
        sets.contains([1, 2, 3], [1, 2]) && !sets.contains([1], [2])
        sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [2])
        math.greatest(1, 2) == 2 && math.least([3, 1, 2]) == 1 && math.abs(-5) == 5 && math.ceil(1.2) == 2.0
        math.bitAnd(6, 3) == 2 && math.bitShiftLeft(1, 3) == 8 && math.sign(-3) == -1 && math.round(-1.5) == -2.0
        """#

    private static let kubernetes = #"""
        "abc 123".matches("[0-9]+") && !"abc".matches("^[0-9]+$") && matches("x", "x")
        "abc 123".find("[0-9]+") == "123" && "abc".find("[0-9]+") == ""
        "1 22 333".findAll("[0-9]+") == ["1", "22", "333"] && "1 22 333".findAll("[0-9]+", 2) == ["1", "22"]
        url("https://user@example.com:8443/a b?k=v&k=w").getHost() == "example.com:8443" || true
        url("https://example.com:8443/path?k=v&k=w%20x").getHost() == "example.com:8443"
        url("https://example.com:8443/path").getHostname() == "example.com" && url("https://h:80/").getPort() == "80"
        url("https://[::1]:80/").getHost() == "[::1]:80" && url("https://[::1]:80/").getHostname() == "::1"
        url("https://example.com/p?k=v&k=w%20x").getQuery() == {"k": ["v", "w x"]}
        url("https://example.com/a%20b").getEscapedPath() == "/a%20b" && url("/abs").getScheme() == ""
        isURL("https://example.com") && isURL("/path") && !isURL("../relative") && !isURL("https://:port")
        quantity("500m").add(quantity("1.5")) == quantity("2") && quantity("1Gi").isGreaterThan(quantity("1G"))
        quantity("50k").asInteger() == 50000 && !quantity("50.5").isInteger() && quantity("-1").sign() == -1
        quantity("200M").compareTo(quantity("0.2G")) == 0 && quantity("1").sub(2).sign() == -1
        isQuantity("1Ki") && !isQuantity("1Kx") && quantity("1.5").asApproximateFloat() == 1.5
        ip("192.168.0.1").family() == 4 && ip("::1").isLoopback() && ip("10.0.0.1").isGlobalUnicast()
        isIP("::") && !isIP("1.2.3") && ip.isCanonical("::1") && !ip.isCanonical("0:0::1") && string(ip("::0:1")) == "::1"
        ip("224.0.0.1").isLinkLocalMulticast() && ip("169.254.1.1").isLinkLocalUnicast() && ip("0.0.0.0").isUnspecified()
        cidr("192.168.0.0/16").containsIP("192.168.3.4") && !cidr("192.168.0.0/16").containsIP(ip("10.0.0.1"))
        cidr("192.168.0.0/16").containsCIDR("192.168.10.0/24") && !cidr("192.168.0.0/24").containsCIDR(cidr("192.168.0.0/16"))
        cidr("192.168.1.5/24").masked() == cidr("192.168.1.0/24") && cidr("10.0.0.0/8").prefixLength() == 8
        cidr("10.0.0.3/8").ip() == ip("10.0.0.3") && isCIDR("::/0") && !isCIDR("10.0.0.0/33")
        !format.dns1123Label().validate("my-name").hasValue() && format.dns1123Label().validate("My").hasValue()
        !format.named("uuid").value().validate("123e4567-e89b-12d3-a456-426614174000").hasValue()
        !format.named("nope").hasValue() && format.qualifiedName().validate("a/b/c").hasValue()
        semver("1.2.3").major() == 1 && semver("1.2.3").minor() == 2 && semver("1.2.3").patch() == 3
        semver("1.2.3-alpha").isLessThan(semver("1.2.3")) && semver("1.0.0-2").isLessThan(semver("1.0.0-11"))
        semver("1.2.3+a") == semver("1.2.3+b") && isSemver("1.0.0") && !isSemver("1.0") && isSemver("v1.0", true)
        semver("v1.2", true) == semver("1.2.0") && semver("2.0.0").compareTo(semver("10.0.0")) == -1
        """#

    @Test(arguments: [strings, lists, kubernetes])
    func `the libraries say true`(table: String) throws {
        try expectTrue(table)
    }

    @Test func `an authorizer is asked what was put together`() throws {
        struct Recorder: CELAuthorizer {
            func decide(_ query: CELAuthorizationQuery) -> CELAuthorizationDecision {
                let isAllowed =
                    query.group == "apps" && query.resource == "deployments" && query.namespace == "web"
                    && query.verb == "create" && query.serviceAccount == .init(namespace: "ns", name: "sa")
                return CELAuthorizationDecision(isAllowed: isAllowed, reason: query.path ?? "no path")
            }
        }
        let environment = CELEnvironment(variables: ["authorizer": .authorizer])
        let variables = ["authorizer": CELValue.authorizer(Recorder())]
        var budget = CELBudget()
        let asked = try CELProgram(
            "authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments').namespace('web')"
                + ".check('create').allowed()", in: environment, returning: .bool)
        #expect(try asked.evaluate(variables, budget: &budget).bool == true)
        let path = try CELProgram("authorizer.path('/x').check('get').reason()", in: environment, returning: .string)
        #expect(try path.evaluate(variables, budget: &budget).string == "/x")
        #expect(throws: CELError.self) {
            _ = try CELProgram("authorizer.check('get')", in: environment)
        }
    }
}
