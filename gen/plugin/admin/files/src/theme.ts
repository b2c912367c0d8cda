import { createTheme } from '@mui/material/styles'
import type { RaThemeOptions } from 'react-admin'

// The colours of the log-in pages, which are checked for contrast.
const light = {
  accent: '#1c5a43', accentDown: '#154733', onAccent: '#ffffff', link: '#1c5a43',
  paper: '#f8f9f7', board: '#f0f2ef', field: '#ffffff', ink: '#15201b', ink2: '#46524c', ink3: '#5f6a64',
  line: '#d8ddd9', edge: '#7f8a84', bad: '#a8281c', warn: '#7a4b00', focus: '#a35c00',
}
const dark: typeof light = {
  accent: '#2f7b5c', accentDown: '#276a4f', onAccent: '#ffffff', link: '#8ccdad',
  paper: '#101412', board: '#151a18', field: '#1a201d', ink: '#e8edea', ink2: '#b4beb8', ink3: '#939e98',
  line: '#2a322e', edge: '#6e7a74', bad: '#ff9a8f', warn: '#ebbb66', focus: '#e9b04f',
}
const sans = 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif'
const mono = 'ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace'

function scheme(mode: 'light' | 'dark', t: typeof light): RaThemeOptions {
  const focus = { outline: `2px solid ${t.focus}`, outlineOffset: 2 }
  const base = createTheme()
  // The fields of the page of a row, beside each other as far as there is room. What is no field takes a line.
  const columns = {
    display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(min(16rem, 100%), 1fr))', gap: '20px 24px', paddingBlock: 16,
    '& > *': { minWidth: 0, overflowWrap: 'anywhere' }, '& > :not(.ra-field), & > .ra-field-undefined': { gridColumn: '1 / -1' },
  } as const
  return {
    palette: {
      mode,
      primary: { main: t.accent, dark: t.accentDown, contrastText: t.onAccent },
      secondary: { main: t.link },
      error: { main: t.bad },
      warning: { main: t.warn },
      success: { main: t.link },
      info: { main: t.ink2 },
      background: { default: t.paper, paper: t.field },
      text: { primary: t.ink, secondary: t.ink2, disabled: t.ink3 },
      divider: t.line,
    },
    shape: { borderRadius: 3 },
    shadows: base.shadows.map(() => 'none') as typeof base.shadows,
    typography: {
      fontFamily: sans,
      fontSize: 14,
      button: { textTransform: 'none', fontWeight: 600 },
      h1: { fontSize: '1.75rem', fontWeight: 600, lineHeight: 1.2, letterSpacing: '-.018em' },
      h2: { fontSize: '1.125rem', fontWeight: 600, lineHeight: 1.35 },
      h6: { fontSize: '1rem', fontWeight: 600 },
    },
    components: {
      MuiButtonBase: { defaultProps: { disableRipple: true }, styleOverrides: { root: { '&:focus-visible': focus } } },
      MuiButton: {
        styleOverrides: {
          root: { boxShadow: 'none' },
          text: { color: t.link, '&.MuiButton-colorError': { color: t.bad } },
          outlined: { '&.MuiButton-colorPrimary': { color: t.link, borderColor: t.edge } },
          contained: { boxShadow: 'inset 0 -2px 0 rgb(0 0 0 / .18)', '&:hover': { boxShadow: 'inset 0 -2px 0 rgb(0 0 0 / .18)' } },
        },
      },
      MuiPaper: { defaultProps: { elevation: 0, variant: 'outlined' }, styleOverrides: { root: { backgroundImage: 'none' } } },
      MuiAppBar: {
        defaultProps: { color: 'inherit', elevation: 0 },
        styleOverrides: { root: { backgroundColor: t.paper, color: t.ink, borderWidth: '0 0 1px', borderColor: t.line } },
      },
      MuiLink: { styleOverrides: { root: { color: t.link, textUnderlineOffset: '.18em' } } },
      MuiSwitch: { styleOverrides: { thumb: { boxShadow: 'none', border: `1px solid ${t.edge}` } } },
      MuiAutocomplete: { styleOverrides: { root: { width: '100%' } } },
      RaList: { styleOverrides: { root: { '@media (max-width: 599px)': { paddingBottom: '5rem' } } } }, // the button to create is there
      RaTab: { styleOverrides: { root: columns } },
      RaSimpleShowLayout: { styleOverrides: { root: { '& > .RaSimpleShowLayout-stack': columns } } },
      RaSimpleList: { styleOverrides: { root: { '& li + li': { borderTop: `1px solid ${t.line}` } } } },
      RaConfirm: { styleOverrides: { root: { '& .RaConfirm-confirmPrimary': { color: t.link } } } },
      // What has no value is a dash.
      RaDateField: { defaultProps: { emptyText: '–' } },
      RaEmailField: { defaultProps: { emptyText: '–' } },
      RaNumberField: { defaultProps: { emptyText: '–' } },
      RaReferenceField: {
        defaultProps: { emptyText: '–', link: 'show' },
        styleOverrides: { root: { '&& a > *': { color: t.link } } },
      },
      RaSelectField: { defaultProps: { emptyText: '–' } },
      RaTextField: { defaultProps: { emptyText: '–' } },
      RaUrlField: { defaultProps: { emptyText: '–' } },
      RaTopToolbar: { styleOverrides: { root: { '&&': { backgroundColor: 'transparent' } } } },
      // A label that was given to a box is that of its input.
      MuiCheckbox: {
        defaultProps: {
          slotProps: {
            root: { 'aria-label': undefined } as object,
            input: (state: object) => ({ 'aria-label': (state as { 'aria-label'?: string })['aria-label'] }),
          },
        },
      },
      // Labels stand above their fields.
      MuiTextField: { defaultProps: { variant: 'outlined', size: 'small', fullWidth: true } },
      MuiFormControl: { defaultProps: { variant: 'outlined', size: 'small', fullWidth: true } },
      MuiInputLabel: {
        defaultProps: { shrink: true },
        styleOverrides: {
          root: {
            position: 'static', transform: 'none', maxWidth: '100%', marginBottom: 6, color: t.ink, fontSize: '.875rem', fontWeight: 600, lineHeight: 1.4,
            '&.Mui-focused, &.Mui-error': { color: t.ink },
          },
        },
      },
      MuiOutlinedInput: {
        defaultProps: { notched: false },
        styleOverrides: {
          root: {
            backgroundColor: t.field,
            '&.Mui-focused .MuiOutlinedInput-notchedOutline': { borderColor: t.focus, borderWidth: 2 },
          },
          notchedOutline: { borderColor: t.edge, top: 0, '& legend': { display: 'none' } },
        },
      },
      MuiTabs: { defaultProps: { variant: 'scrollable' }, styleOverrides: { indicator: { backgroundColor: t.link } } },
      MuiTab: { styleOverrides: { root: { color: t.ink2, '&.Mui-selected': { color: t.ink } } } },
      MuiTableCell: {
        styleOverrides: {
          root: { padding: '8px 12px', borderColor: t.line },
          head: { color: t.ink3, fontSize: '.75rem', fontWeight: 400, backgroundColor: 'transparent' },
        },
      },
      RaLayout: {
        styleOverrides: {
          root: {
            minWidth: 0,
            '& .RaLayout-appFrame, & .RaLayout-contentWithSidebar, & .list-page, & .RaList-main, & .RaList-content': { minWidth: 0 },
            '& .RaLayout-content': { backgroundColor: t.paper, minWidth: 0, paddingBlock: 8 },
          },
        },
      },
      RaSidebar: {
        styleOverrides: { root: { '& .RaSidebar-fixed': { borderInlineEnd: `1px solid ${t.line}` }, '& .MuiPaper-root': { border: 0, backgroundColor: t.paper } } },
      },
      RaCreate: { styleOverrides: { root: { '& .RaCreate-main': { maxWidth: '44rem' } } } },
      RaEdit: { styleOverrides: { root: { '& .RaEdit-main': { maxWidth: '44rem' } } } },
      // The tail of the seam shows where one is.
      RaMenuItemLink: {
        styleOverrides: {
          root: {
            position: 'relative', color: t.ink2, paddingBlock: 8,
            '&.RaMenuItemLink-active': { color: t.ink, fontWeight: 600, borderInlineEnd: 0 },
            '&.RaMenuItemLink-active::after': {
              content: '""', position: 'absolute', insetInlineEnd: 0, insetBlockStart: 8, width: 16, height: 24,
              backgroundColor: t.accent, clipPath: 'polygon(0 17%, 100% 0, 100% 100%, 0 83%)',
            },
          },
        },
      },
      RaDataTable: {
        styleOverrides: {
          root: {
            // What is wider than the page scrolls by itself.
            '& .RaDataTable-tableWrapper': { overflowX: 'auto' },
            '& .RaDataTable-headerCell': { backgroundColor: 'transparent' },
            '& td': { maxWidth: '22rem', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
            '& td.MuiTableCell-alignRight, & td.MuiTableCell-alignRight *': { fontFamily: mono, fontSize: '.875rem' },
          },
        },
      },
    },
    sidebar: { width: 240, closedWidth: 55 },
  }
}

export const lightTheme = scheme('light', light)
export const darkTheme = scheme('dark', dark)
