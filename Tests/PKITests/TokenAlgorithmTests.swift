import Support
import Testing

@testable import PKI

/// Keys and tokens that another program made.
@Suite struct TokenAlgorithmTests {
    private static let keys: [String: [String: String]] = [
        "RSA": [
            "kty": "RSA",
            "n": "srzhH6RB2dtrcjIENAFCd4RntbsHJ7CS9Ab944QPc0RXEcm--0P1AI-yApZhr4aCt7BEQAjG3yDDrKY6JgBZBwiurt"
                + "3pCZJGNOo9-WR_0X_hT6Fozy2hWJc1GIF11Cbm1Wjx5dtpnRB-T4HjrTNcMqVBUOARP5GNhKvHQJ4eT7y0ciFwOPWr"
                + "9ZcEXpIGDtedoGWHJ7-Zt608-bndloNI-yP35r2k7ZTARsntBlqkIYADHori9GUtRMCA-2jfzWGjNC5tgeQS4ExwVG"
                + "hbuFSlvl1zHP9-vaiAvzPfAqz47cmOwrRzB0rhSmLFqPV2ZjabxLjvcBMWcIB7SLtUic3l9Q",
            "e": "AQAB",
        ],
        "P-256": [
            "kty": "EC",
            "crv": "P-256",
            "x": "S_E57ESxW1QhxeS7PDRVKk-zhbdFIT0vynb2wT69XbM",
            "y": "EJNS6z3i4nxTMFfhJYIa39ZFwMiW1KVDnzmXmYDK4AE",
        ],
        "P-384": [
            "kty": "EC",
            "crv": "P-384",
            "x": "2vtAneeRhMCPoKxorKpFvuVH1JJpeeZv1b73WfJWPFSO3VWCEaJB0QM_1Y64icuU",
            "y": "4WVppUcXJl8ALCyR9sJEg_pyTivTg7P7Y4fLe3zNWWNHD1-N05rpM4HdEhAQn9zW",
        ],
        "P-521": [
            "kty": "EC",
            "crv": "P-521",
            "x": "AIzkFSB-Klm0nY4sCIo_cjOJB0sppDbvlY-KRHLYGE7n3m0OvBisYRODfvyqT9mmHmHXdIKyh-QtTcFBTUiS_SZI",
            "y": "ATtXmVG_FvmKeuMMOvJWRbMa6970lvCHAUSMIHc96OA3mC-9bZf9LlgMyxKc8h50muEsPd740xtPIQwodmSk-_ea",
        ],
    ]

    struct Sample: Sendable, CustomTestStringConvertible {
        var algorithm: TokenAlgorithm
        var key: String
        var token: String
        var testDescription: String { algorithm.rawValue }
    }

    static let samples: [Sample] = [
        Sample(
            algorithm: .rs256, key: "RSA",
            token: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.dSO0fcR7W2CorYgfpagcMHKT_P3UN5D6UgNhN-neFV63QcqKp2szy"
                + "kfS5ZnoTb-pwaqamEJuGXLECPM0OB6Cygf23Pfa6MW9tfxCFxgj7xg_PrhlE6ZrtF3BZ6YBZrNJjDIQGM0BhdASyLi"
                + "g9uFMfWlF2RPxaCQR74DLEn7YkYuzrQJtZz5d94ibY_ZYPeefnj05KQ4vsLP5sBhpRnlWmiP_gxfN4bTrmiJNAit6Y"
                + "8K0dX85YWtc8im89R8PlZipcMqUpdtDmKwPNCEgRw3jeUjQ-LcOQ-K0z80uZfGW-4ZuKh9-fDjIkwsOiiBlogT-f2C"
                + "jb6aXzENd6JqWt-L6ZA"),
        Sample(
            algorithm: .rs384, key: "RSA",
            token: "eyJhbGciOiJSUzM4NCJ9.eyJzdWIiOiJhIn0.igP1lJ6XMrjz7Gqs0k-OltZAMAAGmqsz5n5a6NU_RU1Spt-Dc2OaL"
                + "YUdz_mKzqQxuJt_OOFDVM6pE3YpMP--URUmOubi_xeqf2pwMm6DwvQCbLBGnc0INpLZuPErvDAJGsj9nctVDRnZN3x"
                + "4b9kDgg5tar2zfYDilUBUcE0Gwv_e2jUaJxcVZkqBNpX_InKu53HERn4mkubXCSRbnjC4E5IF6PGCg7NTWy43A1Ojz"
                + "t9Weu3w0W9brszjVG2wKLYdvwxAC7n0ofMphAlu4RHq6cE1l-UTxil_Z98YA8e04ke-TrkZsCJOPzVFMVVHGiFvt_J"
                + "iIkqN-irNyPrsBqpz5A"),
        Sample(
            algorithm: .rs512, key: "RSA",
            token: "eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJhIn0.TvbFV_cu9VqXxP68yWvdl6bl4XrdiavBVVjHIqWv6LA49TF66cvrZ"
                + "B9o2IifQGDOVM2kskE3SoP_BevIb0nE366Q3fhj6LHRn3NLzEWiYqUM1qeMKGbo3QhKexMQ5TfxS5axivtxTvDiOKZ"
                + "zr6xxGdnvPmhJBSIeR5uL4-0GQKMyCnGMoqeWf8tu9FoLtwKh2T03GeGEXZrM_AVEwXQhruvhAl7sfJ67NFh3WMNpD"
                + "0Ks85sYpDGmX4_P5OsAkQO4CB3QOgf1o2PQ-XhZhsXyfYcAwbpA2pfB6dqbZrehK356NFK_3vDpWDnh-xtwQN6cJIQ"
                + "5yhRb4Ncaoy9fxg3JDw"),
        Sample(
            algorithm: .ps256, key: "RSA",
            token: "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJhIn0.HK1R0-oU69o_DoMYbrCK1fljX4ufn3cxllJOFEeQe8jVhHTDo_Ohu"
                + "TknyvKuRz-1usRLnonRCEdTX1_lnYth8Jti3AefWdhI3Zc36Hve5d1-cuNuKBoGATr4GrnMxl9myBbnfLoguoXHEq7"
                + "0h8kCd1lD8F52hXwW5gmeN-NLFSr5V2kU4Zd42om6WbZ1RuOE2DFDtnkDC1vU2xUNtpWQHv9lS2_-OdhS-0Y2xF3Sz"
                + "lnLIDLnM7KuN064opuMpRqXfxSdnTiTJ3kg1_9Bm7zlGWUnlWBZadR2kZOwN9AZmHe7PNkA3MvhDoUo7YqjsiaZTe9"
                + "ZiyW9Fj6IiNZwcxHtqQ"),
        Sample(
            algorithm: .ps384, key: "RSA",
            token: "eyJhbGciOiJQUzM4NCJ9.eyJzdWIiOiJhIn0.LHcFj1c6IQ0bH8SbvfS8OKlwPveh5hivdI6O7EI5rWOxjZCd40G6l"
                + "tePPDJJwHSTKwrdSQIpfG8qHCxTJH2MWCLUd27aexJunblWRIeXJUhvozs6XWQw9Jx6KHBC4n1SIZvhDmDkY8qaK24"
                + "0bVrxUH4RmmL9CXF1zx6krphdZTe92ODgAKr9-stZ-28yD-iynGTe-PSd6947c2GLqJAI5I0MfnAXaogSFLKliY1dQ"
                + "Ac_d1jdrJIF0cgILbIt7nuAPY-Id4sOx7jFKJ1DL_irxQiTGl0pdXhWo9aMqqg0CdFswlUC6BtQ44Kg5HXm8fU7E1l"
                + "n_ZW9uRIYBvNLmbdk4A"),
        Sample(
            algorithm: .ps512, key: "RSA",
            token: "eyJhbGciOiJQUzUxMiJ9.eyJzdWIiOiJhIn0.Kob0KwSiKBsE-OwFV3a0OgyJGev1QZN51oGk3lEF3Jm6yK6r6nJQk"
                + "nBaeHDldzfUA3JQpvxcgAFSDgUcuuIjvqPbEU3Vqbp7DnespR4d284rvw0f87fvE2bBbdfJo2KQ5XsWnvxFkfFzsru"
                + "dasdUfb1l42lNxBXpx97xQnBxpThnHO_b7uLo3wRHumozCcnI4BQlAb_3MtCS7JuJIa8elUt8n0FAI0o2hP1V_Rtj4"
                + "DU8ivnW6ZBpTLv-KH9nMuevPWiEeOkxp49LCxRa_U7XtAb-olUbnKRYirUVCNwZh-31FMCCnba9Jx29FlGd8Qgba1-"
                + "aAbGCtm61lo36LyYW6w"),
        Sample(
            algorithm: .es256, key: "P-256",
            token: "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.456y_A2fipPbzV0W2zrTapv0vqr7VM8eoct2G8WQvyiDyI83CutkS"
                + "lD3K2ipjfiCyp2tYSWwhj2vgia6ZGS2xQ"),
        Sample(
            algorithm: .es384, key: "P-384",
            token: "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJhIn0.nnDfmDfZ3LSfUabyBFAB4WmqH-EZt03D5bzt-t5xtjfKWtnBTYm8z"
                + "azSPvmiu-kYK99B5QmNlT4Gx2zfCO68yN9Fg6Jw0Frd9DJ98yC17m5ZCkGZm1gZWsI1RnE89inR"),
        Sample(
            algorithm: .es512, key: "P-521",
            token: "eyJhbGciOiJFUzUxMiJ9.eyJzdWIiOiJhIn0.AZIC3GBrUWzDlkBKgi01XQ81Dm2VghLINhjorR1gBt5UmOaRY1wLU"
                + "grzj-FwKRNfWEKST0LmvUvECZb_bO7bNUcfAKHX_0rQInNdT2MMVBgL5j5yita_YxgA8F3cYff-W98AqIbRdwOKd7Z"
                + "p1Tq8Kva8GCiLrtF4qZrAX-gMcKRhsJ2l"),
    ]

    private static func key(_ name: String) -> PublicKey? {
        let members = keys[name] ?? [:]
        return PublicKey(jsonWebKey: { members[$0] })
    }

    @Test(arguments: samples) func `a token verifies by its own algorithm and key, and by no other`(_ one: Sample) throws {
        let token = try #require(JSONWebToken(one.token))
        for algorithm in TokenAlgorithm.allCases {
            for name in Self.keys.keys {
                let key = try #require(Self.key(name))
                let isOwn = algorithm == one.algorithm && name == one.key
                #expect(token.isSigned(by: key, algorithm) == isOwn, "\(algorithm) by \(name)")
            }
        }
    }

    @Test func `a key of this module reads back from its members`() throws {
        for key in [try KeyTests.rsa.get().publicKey, try KeyTests.ec.get().publicKey] {
            let members: [String: String] =
                switch try #require(key.jsonWebKey).parameters {
                case .rsa(let modulus, let exponent): ["kty": "RSA", "n": modulus, "e": exponent]
                case .p256(let x, let y): ["kty": "EC", "crv": "P-256", "x": x, "y": y]
                }
            #expect(PublicKey(jsonWebKey: { members[$0] }) == key)
        }
    }

    @Test(arguments: [
        [:], ["kty": "oct", "k": "AAAA"], ["kty": "RSA", "n": "AQAB", "e": "AQAB"], ["kty": "RSA", "e": "AQAB"],
        ["kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"], ["kty": "EC", "crv": "secp256k1"],
    ] as [[String: String]])
    func `what is no key, or too weak, is none`(members: [String: String]) {
        #expect(PublicKey(jsonWebKey: { members[$0] }) == nil)
    }

    @Test func `a point beside the curve is no key`() throws {
        var members = try #require(Self.keys["P-256"])
        members["y"] = members["x"]
        #expect(PublicKey(jsonWebKey: { members[$0] }) == nil)
    }
}
