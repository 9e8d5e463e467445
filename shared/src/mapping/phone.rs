//! Phone numbers as E.164 has them: what a number that was written for its own country is in the world.

/// The country codes of ITU-T E.164, by the national prefix that a number loses behind one (`0` of `020 7946 0321`):
/// country of ISO 3166-1, then code. As the metadata of libphonenumber 9.0.43 has them:
/// <https://github.com/google/libphonenumber>
const COUNTRIES: [(&str, &str); 5] = [
    (
        "",
        "AC247 AD376 AO244 AW297 BF226 BH973 BI257 BJ229 BN673 BQ599 BT975 BW267 BZ501 CF236 CG242 CI225 \
         CK682 CL56 CM237 CR506 CV238 CW599 CY357 CZ420 DJ253 DK45 EE372 ES34 FJ679 FK500 FM691 FO298 GA241 \
         GI350 GL299 GM220 GN224 GQ240 GR30 GT502 GW245 GY592 HK852 HN504 HT509 IO246 IS354 IT39 KM269 KW965 \
         LS266 LU352 LV371 ML223 MO853 MR222 MT356 MU230 MV960 MX52 MZ258 NC687 NE227 NF672 NI505 NO47 NR674 \
         NU683 OM968 PA507 PF689 PG675 PL48 PT351 PW680 QA974 SB677 SC248 SG65 SH290 SJ47 SM378 SN221 SR597 \
         ST239 SV503 SZ268 TA290 TD235 TG228 TJ992 TK690 TL670 TN216 TO676 TV688 UZ998 VA39 VU678 WF681 WS685",
    ),
    (
        "0",
        "AE971 AF93 AL355 AM374 AR54 AT43 AU61 AX358 AZ994 BA387 BD880 BE32 BG359 BL590 BO591 BR55 CC61 CD243 \
         CH41 CN86 CO57 CU53 CX61 DE49 DZ213 EC593 EG20 EH212 ER291 ET251 FI358 FR33 GB44 GE995 GF594 GG44 \
         GH233 GP590 HR385 ID62 IE353 IL972 IM44 IN91 IQ964 IR98 JE44 JO962 JP81 KE254 KG996 KH855 KI686 \
         KP850 KR82 LA856 LB961 LI423 LK94 LR231 LT370 LY218 MA212 MC377 MD373 ME382 MF590 MG261 MK389 MM95 \
         MN976 MQ596 MW265 MY60 NA264 NG234 NL31 NP977 NZ64 PE51 PH63 PK92 PM508 PS970 PY595 RE262 RO40 RS381 \
         RW250 SA966 SD249 SE46 SI386 SK421 SL232 SO252 SS211 SY963 TH66 TR90 TW886 TZ255 UA380 UG256 UY598 \
         VE58 VN84 XK383 YE967 YT262 ZA27 ZM260 ZW263",
    ),
    (
        "1",
        "AG1 AI1 AS1 BB1 BM1 BS1 CA1 DM1 DO1 GD1 GU1 JM1 KN1 KY1 LC1 MH692 MP1 MS1 PR1 SX1 TC1 TT1 US1 VC1 \
         VG1 VI1",
    ),
    ("8", "BY375 KZ7 RU7 TM993"),
    ("06", "HU36"),
];

/// Longest number behind its `+`: <https://www.itu.int/rec/T-REC-E.164-201011-I/en>.
const MAX_DIGITS: usize = 15;

/// Shortest one that is taken for a number: a country code of one digit and the shortest that is dialled in it.
const MIN_DIGITS: usize = 7;

/// National prefix and code of `country`, two letters of ISO 3166-1.
fn of(country: &str) -> Option<(&'static str, &'static str)> {
    COUNTRIES.iter().find_map(|(prefix, countries)| {
        let named = |entry: &&str| {
            entry
                .get(..2)
                .is_some_and(|name| name.eq_ignore_ascii_case(country))
        };
        let found = countries.split(' ').find(named)?;
        Some((*prefix, &found[2..]))
    })
}

/// `text` as E.164 has it: `+`, country code, number. A number that begins with `+` or `00` says its country itself;
/// every other one is of `country`. None where that is no country, or the text no number.
pub(super) fn e164(text: &str, country: &str) -> Option<String> {
    let said = text
        .chars()
        .all(|char| char.is_ascii_digit() || " +-./()\u{a0}".contains(char));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let world = if text.trim_start().starts_with('+') {
        digits
    } else if let Some(world) = digits.strip_prefix("00") {
        world.to_owned()
    } else {
        let (prefix, code) = of(country)?;
        let national = match prefix {
            "" => digits.as_str(),
            prefix => digits.strip_prefix(prefix).unwrap_or(&digits),
        };
        format!("{code}{national}")
    };
    let whole = (MIN_DIGITS..=MAX_DIGITS).contains(&world.len());
    (said && whole).then(|| format!("+{world}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_number_gets_its_countrys_code_and_loses_its_prefix() {
        for (text, country, number) in [
            ("(617) 555-0123", "US", "+16175550123"),
            ("020 7946 0321", "GB", "+442079460321"),
            ("06 39 98 01 42", "fr", "+33639980142"),
            ("910 550 142", "ES", "+34910550142"),
            // Italy's numbers keep their 0.
            ("06 5550 0142", "IT", "+390655500142"),
            ("+351 22 555 0142", "US", "+351225550142"),
            ("00351 22 555 0142", "US", "+351225550142"),
        ] {
            assert_eq!(e164(text, country).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_of_no_country_is_none() {
        for (text, country) in [
            ("020 7946 0321", ""),
            ("020 7946 0321", "ZZ"),
            ("ask at the desk", "GB"),
            ("020 7946 0321 ext. 4", "GB"),
            ("12", "GB"),
            ("+123456789012345678", "GB"),
        ] {
            assert_eq!(e164(text, country), None, "{text}");
        }
    }
}
