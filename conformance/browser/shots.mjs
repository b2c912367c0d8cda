// Pictures of the hosted pages.
import { mkdir } from 'node:fs/promises'
import { scene, s } from './lib/browser.mjs'
import { enter, letter, newcomer, pages, reset } from './lib/hosted.mjs'

await mkdir(s.shots, { recursive: true })

for (const scheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    scene(`${width} ${scheme}`, async (page) => {
      await page.setViewport({ width, height: width < 600 ? 844 : 800, deviceScaleFactor: 2 })
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      const shot = (name) => page.screenshot({ path: `${s.shots}/${name.replaceAll(/\W+/g, '-')}-${width}-${scheme}.png`, fullPage: true })
      for (const name of ['login', 'signup', 'forgot', 'forgot, sent', 'error', 'logged out']) {
        await pages[name](page)
        await shot(name)
      }
      await pages['login with a problem'](page)
      await shot('login-problem')
      const who = await newcomer(page)
      await page.goto(await letter(who.email))
      await shot('verify')
      await page.goto(await reset(page, who))
      await shot('reset')
      await enter(page)
      await pages.consent(page)
      await shot('consent')
      await pages['log out?'](page)
      await shot('log-out')
    }, { expected: /status of 4\d\d/ })
  }
}
